public import CairnBlocks
import CairnBytes
public import CairnVolumes

extension ObjectFilesystem {
  /// Whether the root tree says where the trees of objects and data are.
  public func recognizes(_ salvage: VolumeSalvage) throws(StorageError) -> Bool {
    let root = try salvage.tree(salvage.root, isRecord: ObjectSalvage.isRootRecord, describe: nil)
    guard let value = try root.value(of: TreeKey.header) else { return false }
    return (try? VolumeHeader(decoding: value)) != nil
  }

  /// Brings over every bucket and every object whose record is left and whose contents verify, with all that was stored
  /// beside them. Objects of a bucket whose name is lost go to a bucket `recovered-` and its id.
  public func salvage(_ salvage: VolumeSalvage) throws(StorageError) {
    try ObjectSalvage(salvage).run()
  }
}

/// The salvage of one volume of objects.
private final class ObjectSalvage {
  private let salvage: VolumeSalvage
  private let root: SalvageTree
  /// Names of buckets in the new volume, by their ids in the old one.
  private var names: [UInt32: String] = [:]
  private var taken: Set<[UInt8]> = []

  init(_ salvage: VolumeSalvage) throws(StorageError) {
    self.salvage = salvage
    root = try salvage.tree(salvage.root, isRecord: Self.isRootRecord) { (_, _) in
      "names of buckets; objects of buckets without a name go to buckets called recovered-"
    }
  }

  /// Whether a record is one of the root tree.
  static func isRootRecord(_ key: [UInt8], _ value: [UInt8]?) -> Bool {
    guard let value else { return false }
    if key == TreeKey.header { return (try? VolumeHeader(decoding: value)) != nil }
    if key == TreeKey.nextBucketID { return value.count == 4 }
    // Copies that were half made are not brought over.
    if TreeKey.unfinishedID(key) != nil { return (try? UnfinishedContents(decoding: value)) != nil }
    return TreeKey.bucketName(key) != nil && (try? BucketRecord(decoding: value)) != nil
  }

  func run() throws(StorageError) {
    try salvage.create()
    try copyBuckets()
    let roots = try treeRoots()
    let blockByteCount = salvage.blockByteCount
    let data = try salvage.tree(roots.data, isRecord: { Self.isRun($0, $1, blockByteCount) }, describe: nil)
    let objects = try salvage.tree(
      roots.objects, isRecord: { Self.isObject($0, $1, blockByteCount) }, describe: { self.describe($0, $1) })
    try objects.scan { (key, value) throws(StorageError) -> Bool in
      try copy(key, value, data)
      return true
    }
  }

  private static func isObject(_ key: [UInt8], _ value: [UInt8]?, _ blockByteCount: Int) -> Bool {
    // A record that lies outside the tree and does not verify is still told by its key.
    guard let (_, objectKey) = TreeKey.splitObject(key), !objectKey.isEmpty else { return false }
    guard let value else { return true }
    return (try? ObjectRecord(decoding: value, blockByteCount: blockByteCount)) != nil
  }

  private static func isRun(_ key: [UInt8], _ value: [UInt8]?, _ blockByteCount: Int) -> Bool {
    guard TreeKey.splitRun(key) != nil, let value else { return false }
    return (try? DataRun(decoding: value, blockByteCount: blockByteCount)) != nil
  }

  // MARK: Buckets and trees

  private func copyBuckets() throws(StorageError) {
    var buckets: [(name: String, record: BucketRecord)] = []
    try root.scan(from: TreeKey.buckets.from, to: TreeKey.buckets.to) { (key, value) throws(StorageError) -> Bool in
      let bytes = TreeKey.bucketName(key) ?? []
      guard let name = String(validating: bytes, as: UTF8.self), BucketName.isAllowed(bytes), let value,
        let record = try? BucketRecord(decoding: value), names[record.id] == nil
      else {
        try salvage.lose("the bucket's record makes no sense", key: bytes)
        return true
      }
      names[record.id] = name
      taken.insert(bytes)
      buckets.append((name, record))
      return true
    }
    for (name, record) in buckets { try create(name, created: record.created) }
  }

  private func create(_ name: String, created: UInt64) throws(StorageError) {
    try salvage.change { (volume) throws(StorageError) in
      let trees = try ObjectTrees(volume)
      try volume.perform(operation: { ObjectOperation.createBucket(name, created: created).encoded }) {
        () throws(StorageError) in try trees.createBucket(name, created: created)
      }
    }
  }

  /// The bucket of an id; a new one when its name is lost.
  private func bucket(_ id: UInt32) throws(StorageError) -> String {
    if let name = names[id] { return name }
    var name = "recovered-\(id)"
    while taken.contains(Array(name.utf8)) { name += "-" }
    try create(name, created: salvage.store.read { (transaction) throws(StorageError) in transaction.time })
    names[id] = name
    taken.insert(Array(name.utf8))
    try salvage.lose("the name of a bucket; it is called this now", key: Array(name.utf8))
    return name
  }

  /// The roots of the two other trees: as the header says, or what looks like them.
  private func treeRoots() throws(StorageError) -> (objects: BlockNumber?, data: BlockNumber?) {
    if let value = try root.value(of: TreeKey.header), let header = try? VolumeHeader(decoding: value) {
      func block(_ number: UInt64) -> BlockNumber? { number == 0 ? nil : BlockNumber(number) }
      return (block(header.objects), block(header.data))
    }
    var roots: (objects: BlockNumber?, data: BlockNumber?)
    let blockByteCount = salvage.blockByteCount
    for stray in try salvage.strayRoots() {
      // Opening a tree takes it in, and all leaves that fit: only the root's own are looked at here.
      let tree = try salvage.tree(stray, isRecord: { (_, _) in false }, describe: nil)
      try tree.scan { (key, value) throws(StorageError) -> Bool in
        if Self.isObject(key, value, blockByteCount) {
          if roots.objects == nil { roots.objects = stray }
        } else if Self.isRun(key, value, blockByteCount), roots.data == nil {
          roots.data = stray
        }
        return false
      }
    }
    return roots
  }

  /// What a range of keys of the tree of objects held.
  private func describe(_ low: [UInt8], _ high: [UInt8]?) -> String {
    func place(_ key: [UInt8]) -> String {
      guard let (bucket, objectKey) = TreeKey.splitObject(key) else { return "the beginning" }
      return "\(names[bucket] ?? "bucket \(bucket)")/\(String(decoding: objectKey, as: UTF8.self))"
    }
    return "objects from \(place(low)) to \(high.map { "before " + place($0) } ?? "the end")"
  }

  // MARK: Objects

  private func copy(_ key: [UInt8], _ value: [UInt8]?, _ data: SalvageTree) throws(StorageError) {
    guard let (bucketID, objectKey) = TreeKey.splitObject(key), !objectKey.isEmpty else {
      return try salvage.lose("a record that is no object's", key: key)
    }
    let shown = Array((names[bucketID] ?? "recovered-\(bucketID)").utf8) + [0x2F] + objectKey
    guard let value, let record = try? ObjectRecord(decoding: value, blockByteCount: salvage.blockByteCount) else {
      return try salvage.lose("an object whose record does not verify", key: shown)
    }
    guard let pieces = try pieces(record, data) else {
      return try salvage.lose("an object: the list of where its contents are has gaps", key: shown)
    }
    let bucket = try self.bucket(bucketID)
    var damaged: BlockNumber?
    try salvage.growing { () throws(StorageError) in
      damaged = try copy(record, pieces, to: bucket, objectKey)
    }
    if let damaged { try salvage.lose("an object: its contents do not verify", key: shown, block: damaged) }
  }

  /// Where an object's contents are; nil when a part is not known any more.
  private func pieces(_ record: ObjectRecord, _ data: SalvageTree) throws(StorageError) -> [DataExtent]? {
    switch record.contents {
    case .inline: return []
    case .run(let run): return run.pieces
    case .indexed(let id):
      let range = TreeKey.runs(of: id)
      let blockByteCount = salvage.blockByteCount
      var pieces: [DataExtent] = []
      var end: UInt64 = 0
      try data.scan(from: range.from, to: range.to) { (key, value) throws(StorageError) -> Bool in
        guard let offset = TreeKey.splitRun(key)?.offset, offset == end, let value,
          let run = try? DataRun(decoding: value, blockByteCount: blockByteCount)
        else { return false }
        pieces += run.pieces
        end &+= run.byteCount
        return true
      }
      return end == record.size ? pieces : nil
    }
  }

  /// Copies an object; the block where its contents do not verify, or nil.
  private func copy(
    _ record: ObjectRecord, _ pieces: [DataExtent], to bucket: String, _ key: [UInt8]
  ) throws(StorageError) -> BlockNumber? {
    let writer = try salvage.store.objectWriter(expecting: record.size)
    if case .inline(let bytes) = record.contents { try writer.write(bytes) }
    for piece in pieces {
      guard let bytes = try salvage.readData(piece) else { return piece.extent.start }
      try writer.write(bytes)
    }
    try salvage.store.transaction { (transaction) throws(StorageError) in
      let volume = try transaction.volume(salvage.id, kind: .objects)
      let trees = try ObjectTrees(volume)
      let placed = try writer.place(in: trees, key: key, head: record.withoutContents)
      let (copy, runs) = try trees.record(record.withoutContents, placed, key: key)
      let put = ObjectPut(bucket: bucket, key: key, conditions: .none, record: copy, runs: runs)
      try volume.perform(taking: placed.extents, operation: { ObjectOperation.put(put).encoded }) {
        () throws(StorageError) in try trees.put(put)
      }
    }
    return nil
  }
}

extension ObjectRecord {
  /// All of it but the contents.
  fileprivate var withoutContents: ObjectRecord {
    var head = self
    head.size = 0
    head.contents = .inline([])
    return head
  }
}
