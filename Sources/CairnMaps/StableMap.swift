public import CairnBlocks
import CairnBytes
import CairnVolumes

/// A typed ordered map inside a transaction: an ordered map of byte strings whose keys and values are encoded by their types.
///
/// Keys stand in the order of their encodings: numbers by size, doubles in total order, strings and bytes byte by byte,
/// composites by their parts. What is read is decoded into values of its own; to look at bytes in place, take `bytes`.
///
/// In a multi-call transaction `put`, `removeRange` and `clear` take no part in conflicts as far as they tell nothing; what
/// tells something (`insert` and `remove` return what was there) is a read like any other.
public struct StableMap<Key: Storable, Value: Storable> {
  /// The map underneath, of bytes.
  public let bytes: ByteMap

  init(_ bytes: ByteMap) throws(StorageError) {
    self.bytes = bytes
    // Better now than when the first long key comes.
    let limit = bytes.maximumKeyByteCount
    if let longest = Key.storedType.size.limit, longest > limit {
      throw .invalidKey(byteCount: longest, limit: limit)
    }
  }

  /// What the device says of the map: the names of the types.
  public static var definition: String { "\(Key.storedType.name) -> \(Value.storedType.name)" }

  // MARK: Reading

  /// The value of a key, or nil.
  public func get(_ key: Key) throws(StorageError) -> Value? {
    try value(for: try Self.encoded(key))
  }

  /// Whether there is a value for a key.
  public func contains(_ key: Key) throws(StorageError) -> Bool { try bytes.contains(try Self.encoded(key)) }

  /// How many entries there are; kept, not counted.
  public func count() throws(StorageError) -> UInt64 { try bytes.count() }

  /// Whether there are no entries.
  public func isEmpty() throws(StorageError) -> Bool { try count() == 0 }

  /// The entry with the least key; nil in an empty map.
  public func first() throws(StorageError) -> (key: Key, value: Value)? {
    var cursor = try cursor()
    return try cursor.next() ? cursor.entry() : nil
  }

  /// The entry with the greatest key; nil in an empty map.
  public func last() throws(StorageError) -> (key: Key, value: Value)? {
    var cursor = try cursor()
    return try cursor.previous() ? cursor.entry() : nil
  }

  /// A cursor over the entries from `from` to before `to`, which moves both ways.
  public func cursor(from: Key? = nil, to: Key? = nil) throws(StorageError) -> MapCursor<Key, Value> {
    MapCursor(try bytes.cursor(from: try Self.bound(from), to: try Self.bound(to)), of: bytes)
  }

  /// The entries from `from` to before `to`, one after the other.
  ///
  ///     var range = try users.range(from: 100, to: 200)
  ///     while let (id, user) = try range.next() { ... }
  public func range(from: Key? = nil, to: Key? = nil) throws(StorageError) -> MapRange<Key, Value> {
    MapRange(try cursor(from: from, to: to))
  }

  /// Hands the entries from `from` to before `to` to `body`, in order, until that returns false. It must not change the map.
  public func forEach(
    from: Key? = nil, to: Key? = nil, _ body: (Key, Value) throws(StorageError) -> Bool
  ) throws(StorageError) {
    try bytes.scan(from: try Self.bound(from), to: try Self.bound(to)) { (key, value) throws(StorageError) -> Bool in
      try body(try decode(key: key), try decode(value: value))
    }
  }

  /// The entries from `from` to before `to`, at most `limit` of them, in order.
  public func items(
    from: Key? = nil, to: Key? = nil, limit: Int = .max
  ) throws(StorageError) -> [(key: Key, value: Value)] {
    var items: [(key: Key, value: Value)] = []
    guard limit > 0 else { return items }
    try forEach(from: from, to: to) { (key, value) throws(StorageError) -> Bool in
      items.append((key, value))
      return items.count < limit
    }
    return items
  }

  /// The keys from `from` to before `to`, at most `limit` of them, in order.
  public func keys(from: Key? = nil, to: Key? = nil, limit: Int = .max) throws(StorageError) -> [Key] {
    var keys: [Key] = []
    guard limit > 0 else { return keys }
    try bytes.scan(from: try Self.bound(from), to: try Self.bound(to)) { (key, _) throws(StorageError) -> Bool in
      keys.append(try decode(key: key))
      return keys.count < limit
    }
    return keys
  }

  /// The values of the keys from `from` to before `to`, at most `limit` of them, in the order of the keys.
  public func values(from: Key? = nil, to: Key? = nil, limit: Int = .max) throws(StorageError) -> [Value] {
    var values: [Value] = []
    guard limit > 0 else { return values }
    try bytes.scan(from: try Self.bound(from), to: try Self.bound(to)) { (_, value) throws(StorageError) -> Bool in
      values.append(try decode(value: value))
      return values.count < limit
    }
    return values
  }

  // MARK: Changing

  /// Sets the value of a key and does not ask what it was.
  public func put(_ key: Key, _ value: Value) throws(StorageError) {
    try bytes.put(try Self.encoded(key), try Self.encodedAlone(value))
  }

  /// Sets the value of a key; the value that it had, or nil.
  @discardableResult
  public func insert(_ key: Key, _ value: Value) throws(StorageError) -> Value? {
    let key = try Self.encoded(key)
    let old = try self.value(for: key)
    try bytes.put(key, try Self.encodedAlone(value))
    return old
  }

  /// Removes a key; the value that it had, or nil.
  @discardableResult
  public func remove(_ key: Key) throws(StorageError) -> Value? {
    let key = try Self.encoded(key)
    guard let old = try value(for: key) else { return nil }
    try bytes.delete(key)
    return old
  }

  /// Changes the value of a key in place: `body` gets what is there, nil for nothing, and leaves what shall be there.
  @discardableResult
  public func update<Result>(
    _ key: Key, _ body: (inout Value?) throws(StorageError) -> Result
  ) throws(StorageError) -> Result {
    let key = try Self.encoded(key)
    var value = try value(for: key)
    let wasThere = value != nil
    let result = try body(&value)
    if let value {
      try bytes.put(key, try Self.encodedAlone(value))
    } else if wasThere {
      try bytes.delete(key)
    }
    return result
  }

  /// Removes the entry with the least key and returns it; nil in an empty map.
  @discardableResult
  public func popFirst() throws(StorageError) -> (key: Key, value: Value)? {
    var cursor = try cursor()
    return try cursor.next() ? try pop(cursor) : nil
  }

  /// Removes the entry with the greatest key and returns it; nil in an empty map.
  @discardableResult
  public func popLast() throws(StorageError) -> (key: Key, value: Value)? {
    var cursor = try cursor()
    return try cursor.previous() ? try pop(cursor) : nil
  }

  private func pop(_ cursor: MapCursor<Key, Value>) throws(StorageError) -> (key: Key, value: Value) {
    let entry = try cursor.entry()
    try bytes.delete(cursor.bytes.key)
    return entry
  }

  /// Removes the entries from `from` to before `to`, at most `limit` of them, the first ones; how many there were.
  ///
  /// Time proportional to the leaves that go. Long work can be cut with `limit`: call it until it returns less.
  @discardableResult
  public func removeRange(from: Key? = nil, to: Key? = nil, limit: UInt64? = nil) throws(StorageError) -> UInt64 {
    try bytes.deleteRange(from: try Self.bound(from), to: try Self.bound(to), limit: limit)
  }

  /// Removes all entries. Of a very large map, remove ranges with a limit instead, in several transactions.
  public func clear() throws(StorageError) { try bytes.deleteRange() }

  // MARK: Bytes

  private func value(for key: [UInt8]) throws(StorageError) -> Value? {
    try bytes.withValue(for: key) { (value) throws(StorageError) in try decode(value: value) }
  }

  private func decode(key: RawSpan) throws(StorageError) -> Key { try MapCoding.decode(key: key, of: bytes) }

  private func decode(value: RawSpan) throws(StorageError) -> Value { try MapCoding.decode(value: value, of: bytes) }

  private static func encoded(_ key: Key) throws(StorageError) -> [UInt8] { try MapCoding.encode(key: key) }

  static func bound(_ key: Key?) throws(StorageError) -> [UInt8]? {
    guard let key else { return nil }
    return try encoded(key)
  }

  private static func encodedAlone(_ value: Value) throws(StorageError) -> [UInt8] {
    var bytes: [UInt8] = []
    if let limit = Value.storedType.size.limit { bytes.reserveCapacity(limit) }
    value.encodeAlone(into: &bytes)
    return bytes
  }
}
