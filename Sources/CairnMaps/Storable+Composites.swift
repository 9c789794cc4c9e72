public import CairnBytes

// Optionals and composites: their parts one behind the other; alone, the last part is alone.

extension Optional: Storable where Wrapped: Storable {
  /// The wrapped type's name with a question mark.
  public static var storedType: StoredType {
    let wrapped = Wrapped.storedType
    return StoredType("\(wrapped.name)?", wrapped.size.limit.map { .bounded($0 + 1) } ?? .unbounded)
  }

  /// 00 for none, which comes first; 01 and the value for some.
  @inlinable
  public func encode(into bytes: inout [UInt8]) {
    guard let value = self else { return bytes.append(0) }
    bytes.append(1)
    value.encode(into: &bytes)
  }

  /// Reads the optional at an offset.
  @inlinable
  public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(ByteReader.Failure) {
    self = try Bool(decoding: bytes, at: &offset) ? try Wrapped(decoding: bytes, at: &offset) : nil
  }

  /// 00 for none; 01 and the value for some.
  @inlinable
  public func encodeAlone(into bytes: inout [UInt8]) {
    guard let value = self else { return bytes.append(0) }
    bytes.append(1)
    value.encodeAlone(into: &bytes)
  }

  /// The optional of all the bytes.
  @inlinable
  public init(decodingAlone bytes: Span<UInt8>) throws(ByteReader.Failure) {
    var offset = 0
    if try Bool(decoding: bytes, at: &offset) {
      self = try Wrapped(decodingAlone: bytes.extracting(droppingFirst: 1))
    } else {
      guard bytes.count == 1 else { throw .trailing }
      self = nil
    }
  }
}

extension Pair: Storable where First: Storable, Second: Storable {
  /// The names of the parts in parentheses.
  public static var storedType: StoredType {
    let (first, second) = (First.storedType, Second.storedType)
    return StoredType("(\(first.name),\(second.name))", first.size + second.size)
  }

  /// Both parts.
  @inlinable
  public func encode(into bytes: inout [UInt8]) {
    first.encode(into: &bytes)
    second.encode(into: &bytes)
  }

  /// Reads the pair at an offset.
  @inlinable
  public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(ByteReader.Failure) {
    let first = try First(decoding: bytes, at: &offset)
    self.init(first, try Second(decoding: bytes, at: &offset))
  }

  /// Both parts, the second one alone.
  @inlinable
  public func encodeAlone(into bytes: inout [UInt8]) {
    first.encode(into: &bytes)
    second.encodeAlone(into: &bytes)
  }

  /// The pair of all the bytes.
  @inlinable
  public init(decodingAlone bytes: Span<UInt8>) throws(ByteReader.Failure) {
    var offset = 0
    let first = try First(decoding: bytes, at: &offset)
    self.init(first, try Second(decodingAlone: bytes.extracting(droppingFirst: offset)))
  }
}

extension Triple: Storable where First: Storable, Second: Storable, Third: Storable {
  /// The names of the parts in parentheses.
  public static var storedType: StoredType {
    let (first, second, third) = (First.storedType, Second.storedType, Third.storedType)
    return StoredType("(\(first.name),\(second.name),\(third.name))", first.size + second.size + third.size)
  }

  /// All parts.
  @inlinable
  public func encode(into bytes: inout [UInt8]) {
    first.encode(into: &bytes)
    second.encode(into: &bytes)
    third.encode(into: &bytes)
  }

  /// Reads the triple at an offset.
  @inlinable
  public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(ByteReader.Failure) {
    let first = try First(decoding: bytes, at: &offset)
    let second = try Second(decoding: bytes, at: &offset)
    self.init(first, second, try Third(decoding: bytes, at: &offset))
  }

  /// All parts, the third one alone.
  @inlinable
  public func encodeAlone(into bytes: inout [UInt8]) {
    first.encode(into: &bytes)
    second.encode(into: &bytes)
    third.encodeAlone(into: &bytes)
  }

  /// The triple of all the bytes.
  @inlinable
  public init(decodingAlone bytes: Span<UInt8>) throws(ByteReader.Failure) {
    var offset = 0
    let first = try First(decoding: bytes, at: &offset)
    let second = try Second(decoding: bytes, at: &offset)
    self.init(first, second, try Third(decodingAlone: bytes.extracting(droppingFirst: offset)))
  }
}
