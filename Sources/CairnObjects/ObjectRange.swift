public import CairnBlocks

/// A part of an object, as HTTP's `Range` header names it.
public enum ObjectRange: Hashable, Sendable {
  /// From the lower bound to before the upper one, or to the object's end.
  case bytes(Range<UInt64>)
  /// From a byte to the end.
  case from(UInt64)
  /// The last so many bytes, or all of a shorter object.
  case last(UInt64)

  /// The part of an object of `size` bytes.
  ///
  /// Throws `invalidRange` when it holds none of the object's bytes (HTTP 416).
  public func resolved(in size: UInt64) throws(StorageError) -> Range<UInt64> {
    switch self {
    case .bytes(let range):
      guard !range.isEmpty, range.lowerBound < size else {
        throw .invalidRange(lower: range.lowerBound, upper: range.upperBound, byteCount: size)
      }
      return range.lowerBound..<min(range.upperBound, size)
    case .from(let lower):
      guard lower < size else { throw .invalidRange(lower: lower, upper: size, byteCount: size) }
      return lower..<size
    case .last(let count):
      guard count > 0, size > 0 else { throw .invalidRange(lower: size, upper: size, byteCount: size) }
      return size - min(count, size)..<size
    }
  }
}
