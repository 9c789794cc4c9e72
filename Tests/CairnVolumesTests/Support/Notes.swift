import CairnBlocks
import CairnBytes
import CairnVolumes

/// A filesystem of one's own: notes, which are texts by their names. Short ones lie in the tree, long ones outside.
final class Notes: Filesystem {
  let kind = VolumeKind("note")
  let formatVersion: UInt16 = 1

  func format(_ volume: Volume, options: [UInt8]) throws(StorageError) {}

  func apply(_ operation: [UInt8], to volume: Volume) throws(StorageError) {
    let notes = NotesVolume(volume: volume)
    let (name, record) = try volume.decode(operation) { (reader) throws(ByteReader.Failure) in
      (try reader.lengthPrefixed(limit: 1000), try reader.bytes(count: reader.remaining))
    }
    if record.isEmpty { try notes.drop(name) } else { try notes.store(record, under: name) }
  }

  func check(_ volume: Volume, _ check: VolumeCheck) throws(StorageError) {
    let notes = NotesVolume(volume: volume)
    var (items, bytes): (UInt64, UInt64) = (0, 0)
    try check.tree(volume.root) { (name, record) throws(StorageError) in
      let note = try notes.note(record)
      for data in note.data { try check.data(data, key: name) }
      (items, bytes) = (items + 1, bytes + note.byteCount)
    }
    check.expect(items: items, bytes: bytes)
  }

  func remove(_ volume: Volume, budget: Int) throws(StorageError) -> Bool {
    let notes = NotesVolume(volume: volume)
    var budget = budget
    return try volume.empty(volume.root, budget: &budget) { (_, record) throws(StorageError) in
      try notes.note(record).data.map { $0.extent }
    }
  }
}

extension Transaction {
  /// The notes in a volume.
  func notes(_ volume: String) throws(StorageError) -> NotesVolume {
    NotesVolume(volume: try self.volume(volume, kind: VolumeKind("note")))
  }
}

/// What a program works with: the notes of one volume in one transaction.
struct NotesVolume {
  let volume: Volume

  func text(of name: String) throws(StorageError) -> [UInt8]? {
    guard let record = try volume.root.get(Array(name.utf8)) else { return nil }
    let note = try note(record)
    return try note.text + volume.readData(note.data)
  }

  func names(from: String? = nil, to: String? = nil) throws(StorageError) -> [String] {
    var names: [String] = []
    var cursor = try volume.root.cursor(from: from.map { Array($0.utf8) }, to: to.map { Array($0.utf8) })
    while try cursor.next() { names.append(String(decoding: cursor.key, as: UTF8.self)) }
    return names
  }

  func put(_ text: [UInt8], under name: String) throws(StorageError) {
    // Long texts go to their place at once, also in a transaction of many calls; the operation takes them over.
    let data = text.count > 200 ? try volume.writeData(text) : []
    var record = ByteWriter()
    record.uint8(data.isEmpty ? 0 : 1)
    for piece in data { piece.encode(into: &record) }
    if data.isEmpty { record.append(text) }
    try change(name, record.bytes, taking: data.map { $0.extent }, releasesSpace: false)
  }

  func remove(_ name: String) throws(StorageError) {
    try change(name, [], taking: [], releasesSpace: true)
  }

  /// Stores a record under a name, or drops it when the record is empty; the operation is both of them.
  private func change(
    _ name: String, _ record: [UInt8], taking extents: [Extent], releasesSpace: Bool
  ) throws(StorageError) {
    let name = Array(name.utf8)
    var operation = ByteWriter()
    operation.lengthPrefixed(name)
    operation.append(record)
    try volume.perform(taking: extents, releasesSpace: releasesSpace, operation: { operation.bytes }) {
      () throws(StorageError) in
      if record.isEmpty { try drop(name) } else { try store(record, under: name) }
    }
  }

  // MARK: What happens now and, in a transaction of many calls, again at commit

  fileprivate func store(_ record: [UInt8], under name: [UInt8]) throws(StorageError) {
    let new = try note(record)
    let old = try volume.root.get(name).map { (record) throws(StorageError) in try note(record) }
    try volume.root.put(name, record)
    for data in old?.data ?? [] { try volume.free(data.extent) }
    try volume.account(items: old == nil ? 1 : 0, bytes: Int64(new.byteCount) - Int64(old?.byteCount ?? 0))
  }

  fileprivate func drop(_ name: [UInt8]) throws(StorageError) {
    guard let record = try volume.root.get(name) else { throw .notFound(Subject("note", name)) }
    let old = try note(record)
    try volume.root.delete(name)
    for data in old.data { try volume.free(data.extent) }
    try volume.account(items: -1, bytes: -Int64(old.byteCount))
  }

  // MARK: Bytes

  fileprivate struct Note {
    var text: [UInt8] = []
    var data: [DataExtent] = []
    var byteCount: UInt64 { data.reduce(UInt64(text.count)) { $0 + $1.byteCount } }
  }

  /// A record: 0 and the text, or 1 and the places of the text.
  fileprivate func note(_ record: [UInt8]) throws(StorageError) -> Note {
    try volume.decode(record) { (reader) throws(ByteReader.Failure) in
      var note = Note()
      switch try reader.uint8() {
      case 0: note.text = try reader.bytes(count: reader.remaining)
      case 1:
        while reader.remaining > 0 {
          note.data.append(try DataExtent(decoding: &reader, blockByteCount: volume.blockByteCount))
        }
      default: throw .malformed
      }
      return note
    }
  }
}
