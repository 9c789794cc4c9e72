public import CairnBytes

/// A key of one or more columns.
///
/// Every ``ColumnRepresentable`` value is a key of one column; composite keys are `Pair` and `Triple`, since tuples can
/// not conform, or ``KeyValues``.
public protocol TableKey {
  /// The values, in the order of the key's columns.
  var keyValues: [ColumnValue] { get }
  /// A key out of the values of its columns; nil when they are none of its types.
  init?(keyValues: [ColumnValue])
}

/// A key of any number of columns, as their values.
public struct KeyValues: TableKey, Hashable, Sendable {
  /// The values, in the order of the key's columns.
  public let keyValues: [ColumnValue]

  /// A key by its values.
  public init(_ keyValues: [ColumnValue]) { self.keyValues = keyValues }

  /// A key by its values, whatever they are.
  public init?(keyValues: [ColumnValue]) { self.init(keyValues) }
}

extension Pair: TableKey where First: ColumnRepresentable, Second: ColumnRepresentable {
  /// Both values.
  public var keyValues: [ColumnValue] { [first.columnValue, second.columnValue] }

  /// From two values.
  public init?(keyValues: [ColumnValue]) {
    guard keyValues.count == 2, let first = First(columnValue: keyValues[0]),
      let second = Second(columnValue: keyValues[1])
    else { return nil }
    self.init(first, second)
  }
}

extension Triple: TableKey
where First: ColumnRepresentable, Second: ColumnRepresentable, Third: ColumnRepresentable {
  /// All three values.
  public var keyValues: [ColumnValue] { [first.columnValue, second.columnValue, third.columnValue] }

  /// From three values.
  public init?(keyValues: [ColumnValue]) {
    guard keyValues.count == 3, let first = First(columnValue: keyValues[0]),
      let second = Second(columnValue: keyValues[1]), let third = Third(columnValue: keyValues[2])
    else { return nil }
    self.init(first, second, third)
  }
}
