import CairnBlocks
import CairnBytes
import CairnVolumes

/// A filesystem of one's own: notes, which are texts by their names. Short ones lie in the tree, long ones in data outside.
///
///     record   1 byte: 0, the text follows; 1, the places of the text follow (DataExtent)
///     operation   1 byte: 1 put, 2 remove; varint length and bytes of the name; for put the record
final class Notes: Filesystem {
  let kind = VolumeKind("note")
  let formatVersion: UInt16 = 1

  func format(_ volume: Volume, options: [UInt8]) throws(StorageError) {}

  func apply(_ operation: [UInt8], to volume: Volume) throws(StorageError) {
    let notes = NotesVolume(volume: volume)
    var reader = ByteReader(operation)
    let (what, name, record): (UInt8, [UInt8], [UInt8])
    do throws(ByteReader.Failure) {
      (what, name) = (try reader.uint8(), try reader.lengthPrefixed(limit: 1000))
      record = try reader.bytes(count: reader.remaining)
    } catch {
      throw notes.damage
    }
    if what == 1 { try notes.store(record, under: name) } else { try notes.drop(name) }
  }

  func check(_ volume: Volume, _ check: VolumeCheck) throws(StorageError) {
    let notes = NotesVolume(volume: volume)
    var items: UInt64 = 0
    var bytes: UInt64 = 0
    try check.tree(volume.root) { (name, record) throws(StorageError) in
      let text = try notes.decode(record)
      for data in text.data { try check.data(data, key: name) }
      items += 1
      bytes += text.byteCount
    }
    check.expect(items: items, bytes: bytes)
  }

  func remove(_ volume: Volume, budget: Int) throws(StorageError) -> Bool {
    let notes = NotesVolume(volume: volume)
    var budget = budget
    return try volume.empty(volume.root, budget: &budget) { (_, record) throws(StorageError) in
      try notes.decode(record).data.map { $0.extent }
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
    let text = try decode(record)
    var bytes = text.inline
    for data in text.data {
      var part = [UInt8](repeating: 0, count: Int(data.byteCount))
      var span = part.mutableSpan
      var raw = unsafe span.mutableBytes
      try volume.readData(data, into: &raw)
      bytes += part
    }
    return bytes
  }

  func put(_ text: [UInt8], under name: String) throws(StorageError) {
    var record = ByteWriter()
    var extents: [Extent] = []
    if text.count <= 200 {
      record.uint8(0)
      record.append(text)
    } else {
      record.uint8(1)
      for data in try volume.writeData(unsafe text.span.bytes) {
        data.encode(into: &record)
        extents.append(data.extent)
      }
    }
    let key = Array(name.utf8)
    try volume.perform(taking: extents, operation: { encode(1, key, record.bytes) }) { () throws(StorageError) in
      try store(record.bytes, under: key)
    }
  }

  func remove(_ name: String) throws(StorageError) {
    let key = Array(name.utf8)
    try volume.perform(releasesSpace: true, operation: { encode(2, key, []) }) { () throws(StorageError) in
      try drop(key)
    }
  }

  func names(from: String? = nil, to: String? = nil) throws(StorageError) -> [String] {
    var names: [String] = []
    var cursor = try volume.root.cursor(from: from.map { Array($0.utf8) }, to: to.map { Array($0.utf8) })
    while try cursor.next() { names.append(String(decoding: cursor.key, as: UTF8.self)) }
    return names
  }

  // MARK: What both a call and `apply` do

  fileprivate func store(_ record: [UInt8], under name: [UInt8]) throws(StorageError) {
    let new = try decode(record)
    let old = try volume.root.get(name).map { (old) throws(StorageError) in try decode(old) }
    try volume.root.put(name, record)
    for data in old?.data ?? [] { try volume.free(data.extent) }
    try volume.account(
      items: old == nil ? 1 : 0, bytes: Int64(new.byteCount) - Int64(old?.byteCount ?? 0))
  }

  fileprivate func drop(_ name: [UInt8]) throws(StorageError) {
    guard let record = try volume.root.get(name) else { throw .notFound(Subject("note", name)) }
    let old = try decode(record)
    try volume.root.delete(name)
    for data in old.data { try volume.free(data.extent) }
    try volume.account(items: -1, bytes: -Int64(old.byteCount))
  }

  // MARK: Bytes

  fileprivate struct Text {
    var inline: [UInt8] = []
    var data: [DataExtent] = []
    var byteCount: UInt64 { data.reduce(UInt64(inline.count)) { $0 + $1.byteCount } }
  }

  fileprivate func decode(_ record: [UInt8]) throws(StorageError) -> Text {
    var reader = ByteReader(record)
    var text = Text()
    do throws(ByteReader.Failure) {
      switch try reader.uint8() {
      case 0: text.inline = try reader.bytes(count: reader.remaining)
      case 1:
        while reader.remaining > 0 {
          text.data.append(try DataExtent(decoding: &reader, blockByteCount: volume.blockByteCount))
        }
      default: throw .malformed
      }
    } catch {
      throw damage
    }
    return text
  }

  fileprivate var damage: StorageError {
    .damaged(Damage(block: volume.root.rootBlock, reason: .malformed))
  }

  private func encode(_ what: UInt8, _ name: [UInt8], _ record: [UInt8]) -> [UInt8] {
    var writer = ByteWriter()
    writer.uint8(what)
    writer.lengthPrefixed(name)
    writer.append(record)
    return writer.bytes
  }
}
