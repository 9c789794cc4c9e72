public import CairnBlocks
public import CairnVolumes

/// A place among the entries of a typed map, or of a range of it, which moves both ways.
///
/// It lives as long as its transaction. When the map changes under it, it keeps its place by the key.
public struct MapCursor<Key: Storable, Value: Storable> {
  /// The cursor underneath, over bytes.
  public private(set) var bytes: VolumeCursor
  private let map: ByteMap

  init(_ bytes: VolumeCursor, of map: ByteMap) {
    self.bytes = bytes
    self.map = map
  }

  /// Steps to the next entry; the first time, to the first one. False behind the last.
  public mutating func next() throws(StorageError) -> Bool { try bytes.next() }

  /// Steps to the entry before; the first time, to the last one. False before the first.
  public mutating func previous() throws(StorageError) -> Bool { try bytes.previous() }

  /// Goes to the first entry at or behind a key, within the range; false when there is none.
  public mutating func seek(to key: Key) throws(StorageError) -> Bool {
    try bytes.seek(to: try MapCoding.encode(key: key))
  }

  /// Goes to the last entry before a key, within the range; false when there is none.
  public mutating func seek(before key: Key) throws(StorageError) -> Bool {
    try bytes.seek(before: try MapCoding.encode(key: key))
  }

  /// The key of the entry, on which the cursor must stand.
  public func key() throws(StorageError) -> Key {
    try bytes.withKey { (key) throws(StorageError) in try MapCoding.decode(key: key, of: map) }
  }

  /// The value of the entry, on which the cursor must stand.
  public func value() throws(StorageError) -> Value {
    try bytes.withValue { (value) throws(StorageError) in try MapCoding.decode(value: value, of: map) }
  }

  /// The entry on which the cursor must stand.
  public func entry() throws(StorageError) -> (key: Key, value: Value) { (try key(), try value()) }
}

/// The entries of a typed map, or of a range of it, one after the other. It lives as long as its transaction.
public struct MapRange<Key: Storable, Value: Storable> {
  private var cursor: MapCursor<Key, Value>
  private var isAtEnd = false

  init(_ cursor: MapCursor<Key, Value>) { self.cursor = cursor }

  /// The next entry; nil behind the last one.
  public mutating func next() throws(StorageError) -> (key: Key, value: Value)? {
    guard !isAtEnd else { return nil }
    guard try cursor.next() else {
      isAtEnd = true
      return nil
    }
    return try cursor.entry()
  }
}
