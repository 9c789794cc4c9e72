public import CairnBytes

/// What a ``StableMap`` can have as keys and values.
///
/// A type says how it is named on the device, how large its values get, and how one becomes bytes and comes back. The bytes
/// of ``encode(into:)`` keep order: encoded values, compared byte by byte, stand in the order that the type wants its keys
/// to have, and no encoded value is the beginning of another one. Made of the parts that conform already, a new
/// conformance gets both by itself. An enum writes a number for its case, then what the case carries:
///
///     enum Shape: Storable {
///       case circle(radius: Double)
///       case text(String)
///
///       static let storedType = StoredType("Shape", .unbounded)
///
///       func encode(into bytes: inout [UInt8]) {
///         switch self {
///         case .circle(let radius):
///           UInt8(0).encode(into: &bytes)
///           radius.encode(into: &bytes)
///         case .text(let text):
///           UInt8(1).encode(into: &bytes)
///           text.encode(into: &bytes)
///         }
///       }
///
///       init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(ByteReader.Failure) {
///         switch try UInt8(decoding: bytes, at: &offset) {
///         case 0: self = .circle(radius: try Double(decoding: bytes, at: &offset))
///         case 1: self = .text(try String(decoding: bytes, at: &offset))
///         default: throw .malformed
///         }
///       }
///     }
///
/// Integers of every width, `Bool`, `Double`, `String`, `[UInt8]`, optionals, `Pair` and `Triple` conform.
public protocol Storable {
  /// The type's name on the device, and its size.
  static var storedType: StoredType { get }

  /// Appends the value, so that another one may follow.
  func encode(into bytes: inout [UInt8])

  /// Reads a value that begins at `offset`, and moves the offset behind it. Bytes that ``encode(into:)`` never makes are a
  /// failure, whatever they are: they may come from a damaged device.
  init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(ByteReader.Failure)

  /// Appends the value where nothing follows: how a map stores its values. Need not keep order. Strings and bytes are
  /// stored as they are, at the speed of a copy; what a type does not say otherwise is the same as ``encode(into:)``.
  func encodeAlone(into bytes: inout [UInt8])

  /// Reads what ``encodeAlone(into:)`` wrote, all of it.
  init(decodingAlone bytes: Span<UInt8>) throws(ByteReader.Failure)
}

extension Storable {
  /// The same as in front of others.
  @inlinable
  public func encodeAlone(into bytes: inout [UInt8]) { encode(into: &bytes) }

  /// The same as in front of others, and nothing behind it.
  @inlinable
  public init(decodingAlone bytes: Span<UInt8>) throws(ByteReader.Failure) {
    var offset = 0
    self = try Self(decoding: bytes, at: &offset)
    guard offset == bytes.count else { throw .trailing }
  }
}

/// How many bytes the values of a type take in ``Storable/encode(into:)``.
public enum StoredSize: Hashable, Sendable {
  /// All so many.
  case fixed(Int)
  /// So many or fewer.
  case bounded(Int)
  /// As many as it needs, within the limits of keys and values.
  case unbounded

  /// The most bytes; nil: no limit.
  @inlinable
  public var limit: Int? {
    switch self {
    case .fixed(let byteCount), .bounded(let byteCount): byteCount
    case .unbounded: nil
    }
  }

  /// The size of one value behind the other.
  public static func + (left: Self, right: Self) -> Self {
    guard let first = left.limit, let second = right.limit else { return .unbounded }
    let (sum, overflow) = first.addingReportingOverflow(second)
    if overflow { return .unbounded }
    if case .fixed = left, case .fixed = right { return .fixed(sum) }
    return .bounded(sum)
  }
}

/// A type as the device knows it: a map that was made for one type is not opened as a map of another.
public struct StoredType: Sendable {
  /// What the guard compares. Parts of composites are named in it, as in `(UInt64,String?)`.
  public let name: String
  /// How large its values get.
  public let size: StoredSize

  /// A type of the given name and size. Whoever changes the bytes of a type gives it another name.
  public init(_ name: String, _ size: StoredSize) {
    self.name = name
    self.size = size
  }
}
