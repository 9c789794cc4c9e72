/// Two values as one: a composite key or value, ordered by the first and then by the second. (Tuples can not conform to
/// protocols.)
public struct Pair<First, Second> {
  /// The value that decides first.
  public var first: First
  /// The value that decides where the first ones are equal.
  public var second: Second

  /// A pair of its parts.
  @inlinable
  public init(_ first: First, _ second: Second) {
    self.first = first
    self.second = second
  }
}

/// Three values as one, ordered by the first, then by the second, then by the third.
public struct Triple<First, Second, Third> {
  /// The value that decides first.
  public var first: First
  /// The value that decides where the first ones are equal.
  public var second: Second
  /// The value that decides last.
  public var third: Third

  /// A triple of its parts.
  @inlinable
  public init(_ first: First, _ second: Second, _ third: Third) {
    self.first = first
    self.second = second
    self.third = third
  }
}

extension Pair: Equatable where First: Equatable, Second: Equatable {}
extension Pair: Hashable where First: Hashable, Second: Hashable {}
extension Pair: Sendable where First: Sendable, Second: Sendable {}
extension Triple: Equatable where First: Equatable, Second: Equatable, Third: Equatable {}
extension Triple: Hashable where First: Hashable, Second: Hashable, Third: Hashable {}
extension Triple: Sendable where First: Sendable, Second: Sendable, Third: Sendable {}
