public import CairnBytes

/// A key of one or more columns.
///
/// Every ``ColumnRepresentable`` value is a key of one column through ``SingleKey``; composite keys are `Pair` and
/// `Triple`, since tuples can not conform.
public protocol TableKey {
  /// The values, in the order of the key's columns.
  var keyValues: [ColumnValue] { get }
  /// A key out of the values of its columns; nil when they are none of its types.
  init?(keyValues: [ColumnValue])
}

/// A key of one column.
public struct SingleKey<Value: ColumnRepresentable>: TableKey {
  /// The column's value.
  public let value: Value

  /// A key by its value.
  public init(_ value: Value) { self.value = value }

  /// The value.
  public var keyValues: [ColumnValue] { [value.columnValue] }

  /// From one value.
  public init?(keyValues: [ColumnValue]) {
    guard keyValues.count == 1, let value = Value(columnValue: keyValues[0]) else { return nil }
    self.value = value
  }
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
