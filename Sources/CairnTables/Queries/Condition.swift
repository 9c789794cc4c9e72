import CairnBlocks
import CairnBytes

/// A predicate made ready: columns by position, values of the columns' types.
///
/// It is asked about the values of a row, or about an entry of a tree as it lies there; for the latter, literals are kept in
/// the form in which they can be compared with the stored bytes.
indirect enum Condition: Sendable {
  case constant(Truth)
  case compare(Int, Comparison, ColumnValue, RawLiteral)
  case compareColumns(Int, Comparison, Int)
  /// Values in order, without nulls.
  case isIn(Int, [ColumnValue], hasNull: Bool)
  case isNull(Int)
  case hasPrefix(Int, [UInt8])
  case contains(Int, [UInt8])
  case and([Condition])
  case or([Condition])
  case not(Condition)

  /// A literal in the form of the stored bytes.
  enum RawLiteral: Sendable {
    /// The stored value must be decoded.
    case none
    /// A slot with a signed integer.
    case integer(Int64)
    /// A slot with an unsigned integer.
    case unsigned(UInt64)
    /// A slot with text or bytes.
    case bytes([UInt8])
    /// A part of a key.
    case encoded([UInt8])
  }
}

// MARK: - Making one

extension Condition {
  /// Makes a predicate ready for the columns of a scope. With a layout, it can be asked about entries.
  init(_ predicate: Predicate, _ scope: ColumnScope, _ layout: EntryLayout? = nil) throws(StorageError) {
    var partCount = 0
    self = try Self.make(predicate, scope, layout, depth: 0, partCount: &partCount)
  }

  private static func make(
    _ predicate: Predicate, _ scope: ColumnScope, _ layout: EntryLayout?, depth: Int, partCount: inout Int
  ) throws(StorageError) -> Condition {
    partCount += 1
    guard depth < Predicate.depthMax else {
      throw .limitExceeded(what: "levels of a predicate", limit: UInt64(Predicate.depthMax))
    }
    guard partCount <= Predicate.partCountMax else {
      throw .limitExceeded(what: "parts of a predicate", limit: UInt64(Predicate.partCountMax))
    }
    switch predicate {
    case .always: return .constant(.yes)
    case .compare(let name, let comparison, let value):
      return try comparing(try scope.index(name), comparison, value, scope, layout)
    case .between(let name, let low, let high):
      let column = try scope.index(name)
      return .and([
        try comparing(column, .greaterOrEqual, low, scope, layout),
        try comparing(column, .lessOrEqual, high, scope, layout),
      ])
    case .compareColumns(let name, let comparison, let other):
      let (left, right) = (try scope.index(name), try scope.index(other))
      let (a, b) = (scope.columns[left], scope.columns[right])
      guard a.type == b.type || (a.type.isInteger && b.type.isInteger) else {
        throw .invalidArgument("column \(a.fullName) is \(a.type), \(b.fullName) is \(b.type): they do not compare")
      }
      return .compareColumns(left, comparison, right)
    case .isIn(let name, let values):
      let column = try scope.index(name)
      partCount += values.count
      guard partCount <= Predicate.partCountMax else {
        throw .limitExceeded(what: "parts of a predicate", limit: UInt64(Predicate.partCountMax))
      }
      var known: [ColumnValue] = []
      for value in values where !value.isNull { known.append(try literal(value, for: scope.columns[column])) }
      known.sort()
      return .isIn(column, known, hasNull: known.count < values.count)
    case .isNull(let name): return .isNull(try scope.index(name))
    case .hasPrefix(let name, let value):
      let column = try scope.index(name)
      return .hasPrefix(column, try textBytes(value, for: scope.columns[column]))
    case .contains(let name, let value):
      let column = try scope.index(name)
      return .contains(column, try textBytes(value, for: scope.columns[column]))
    case .and(let parts):
      return .and(try make(parts, scope, layout, depth: depth, partCount: &partCount))
    case .or(let parts):
      return .or(try make(parts, scope, layout, depth: depth, partCount: &partCount))
    case .not(let part):
      return .not(try make(part, scope, layout, depth: depth + 1, partCount: &partCount))
    }
  }

  private static func make(
    _ parts: [Predicate], _ scope: ColumnScope, _ layout: EntryLayout?, depth: Int, partCount: inout Int
  ) throws(StorageError) -> [Condition] {
    var conditions: [Condition] = []
    for part in parts {
      conditions.append(try make(part, scope, layout, depth: depth + 1, partCount: &partCount))
    }
    return conditions
  }

  private static func comparing(
    _ column: Int, _ comparison: Comparison, _ value: ColumnValue, _ scope: ColumnScope, _ layout: EntryLayout?
  ) throws(StorageError) -> Condition {
    if value.isNull {
      switch comparison {
      case .equal: return .isNull(column)
      case .notEqual: return .not(.isNull(column))
      default: return .constant(.unknown)
      }
    }
    let value = try literal(value, for: scope.columns[column])
    guard let layout else { return .compare(column, comparison, value, .none) }
    return .compare(column, comparison, value, raw(value, layout, column))
  }

  /// A value as one to compare a column with.
  static func literal(_ value: ColumnValue, for column: ColumnScope.Column) throws(StorageError) -> ColumnValue {
    if let converted = column.type.converted(value) { return converted }
    switch (column.type, value) {
    // Integers compare as numbers, also with those that the column can not hold.
    case (_, .integer), (_, .unsigned):
      if column.type.isInteger { return value }
      if case .integer(let number) = value, column.type == .double { return .double(Double(number)) }
      if case .unsigned(let number) = value, column.type == .double { return .double(Double(number)) }
    default: break
    }
    throw .invalidArgument("column \(column.fullName) is \(column.type) and does not compare with \(value.kindName)")
  }

  private static func textBytes(
    _ value: ColumnValue, for column: ColumnScope.Column
  ) throws(StorageError) -> [UInt8] {
    switch (column.type, value) {
    case (.string, .string(let text)): return Array(text.utf8)
    case (.bytes, .bytes(let bytes)): return bytes
    default:
      throw .invalidArgument(
        "column \(column.fullName) is \(column.type) and can not be searched for \(value.kindName)")
    }
  }

  private static func raw(_ value: ColumnValue, _ layout: EntryLayout, _ column: Int) -> RawLiteral {
    let type = layout.columns[column].type
    switch layout.places[column] {
    case .key(let part):
      guard type.accepts(value) else { return .none }
      var key: [UInt8] = []
      layout.key.append(value, as: part, to: &key)
      return .encoded(key)
    case .slot:
      switch (type, value) {
      case (.int8, .integer(let number)), (.int16, .integer(let number)), (.int32, .integer(let number)),
        (.int64, .integer(let number)):
        return .integer(number)
      case (.uint8, .unsigned(let number)), (.uint16, .unsigned(let number)), (.uint32, .unsigned(let number)),
        (.uint64, .unsigned(let number)):
        return .unsigned(number)
      case (_, .timestamp(let time)): return .integer(time.nanosecondsSince1970)
      case (_, .date(let date)): return .integer(Int64(date.daysSince1970))
      case (_, .string(let text)): return .bytes(Array(text.utf8))
      case (_, .bytes(let bytes)): return .bytes(bytes)
      default: return .none
      }
    case .elsewhere: return .none
    }
  }

  /// Notes the columns that it looks at.
  func collectColumns(into columns: inout [Bool]) {
    switch self {
    case .constant: break
    case .compare(let column, _, _, _), .isIn(let column, _, _), .isNull(let column), .hasPrefix(let column, _),
      .contains(let column, _):
      columns[column] = true
    case .compareColumns(let left, _, let right):
      columns[left] = true
      columns[right] = true
    case .and(let parts), .or(let parts): for part in parts { part.collectColumns(into: &columns) }
    case .not(let part): part.collectColumns(into: &columns)
    }
  }
}

// MARK: - Asking it

extension Condition {
  /// What it is for a row's values.
  func truth(_ values: [ColumnValue]) -> Truth {
    switch self {
    case .constant(let truth): return truth
    case .compare(let column, let comparison, let literal, _):
      let value = values[column]
      return value.isNull ? .unknown : Truth(comparison.holds(Int(value.order(to: literal).rawValue)))
    case .compareColumns(let left, let comparison, let right):
      return Self.compare(values[left], comparison, values[right])
    case .isIn(let column, let list, let hasNull): return Self.isIn(values[column], list, hasNull)
    case .isNull(let column): return Truth(values[column].isNull)
    case .hasPrefix(let column, let prefix):
      guard let bytes = Self.textBytes(values[column]) else { return .unknown }
      return Truth(bytes.starts(with: prefix))
    case .contains(let column, let part):
      guard let bytes = Self.textBytes(values[column]) else { return .unknown }
      return Truth(BulkCopy.withRawSpan(of: bytes) { $0.contains(0..<bytes.count, part) })
    case .and(let parts):
      var truth = Truth.yes
      for part in parts {
        switch part.truth(values) {
        case .no: return .no
        case .unknown: truth = .unknown
        case .yes: break
        }
      }
      return truth
    case .or(let parts):
      var truth = Truth.no
      for part in parts {
        switch part.truth(values) {
        case .yes: return .yes
        case .unknown: truth = .unknown
        case .no: break
        }
      }
      return truth
    case .not(let part): return part.truth(values).negated
    }
  }

  /// What it is for an entry of the tree whose layout it was made with.
  func truth(_ layout: EntryLayout, _ key: RawSpan, _ row: RawSpan) throws(StorageError) -> Truth {
    switch self {
    case .constant(let truth): return truth
    case .compare(let column, let comparison, let literal, let raw):
      return try Self.compare(column, comparison, literal, raw, layout, key, row)
    case .compareColumns(let left, let comparison, let right):
      return Self.compare(try layout.value(left, key, row), comparison, try layout.value(right, key, row))
    case .isIn(let column, let list, let hasNull):
      return Self.isIn(try layout.value(column, key, row), list, hasNull)
    case .isNull(let column): return Truth(try Self.isNull(column, layout, key, row))
    case .hasPrefix(let column, let prefix):
      if case .slot(let slot) = layout.places[column], case .at(let range) = layout.row.field(slot, in: row) {
        return Truth(row.hasPrefix(range, prefix))
      }
      guard let bytes = Self.textBytes(try layout.value(column, key, row)) else { return .unknown }
      return Truth(bytes.starts(with: prefix))
    case .contains(let column, let part):
      if case .slot(let slot) = layout.places[column], case .at(let range) = layout.row.field(slot, in: row) {
        return Truth(row.contains(range, part))
      }
      guard let bytes = Self.textBytes(try layout.value(column, key, row)) else { return .unknown }
      return Truth(BulkCopy.withRawSpan(of: bytes) { $0.contains(0..<bytes.count, part) })
    case .and(let parts):
      var truth = Truth.yes
      for part in parts {
        switch try part.truth(layout, key, row) {
        case .no: return .no
        case .unknown: truth = .unknown
        case .yes: break
        }
      }
      return truth
    case .or(let parts):
      var truth = Truth.no
      for part in parts {
        switch try part.truth(layout, key, row) {
        case .yes: return .yes
        case .unknown: truth = .unknown
        case .no: break
        }
      }
      return truth
    case .not(let part): return try part.truth(layout, key, row).negated
    }
  }

  private static func compare(
    _ column: Int, _ comparison: Comparison, _ literal: ColumnValue, _ raw: RawLiteral, _ layout: EntryLayout,
    _ key: RawSpan, _ row: RawSpan
  ) throws(StorageError) -> Truth {
    switch (raw, layout.places[column]) {
    case (.none, _): break
    case (.encoded(let encoded), .key(let part)):
      guard let range = layout.key.range(of: part, in: key) else { throw layout.damage }
      if layout.columns[column].isOptional, key.byte(range.lowerBound) == 0 { return .unknown }
      return Truth(comparison.holds(key.compare(range, with: encoded)))
    case (_, .slot(let slot)):
      switch layout.row.field(slot, in: row) {
      case .null: return .unknown
      case .missing: break
      case .damaged: throw layout.damage
      case .at(let range):
        let order = order(raw, at: range, in: row)
        return Truth(comparison.holds(order))
      }
    default: break
    }
    let value = try layout.value(column, key, row)
    return value.isNull ? .unknown : Truth(comparison.holds(Int(value.order(to: literal).rawValue)))
  }

  /// How what is stored at a place of a row stands to a literal of the place's type.
  @inline(__always)
  private static func order(_ literal: RawLiteral, at range: Range<Int>, in row: RawSpan) -> Int {
    switch literal {
    case .integer(let number):
      let start = range.lowerBound
      let stored: Int64
      switch range.count {
      case 8: stored = Int64(bitPattern: row.little64(start))
      case 4: stored = Int64(Int32(bitPattern: row.little32(start)))
      case 2: stored = Int64(Int16(bitPattern: row.little16(start)))
      default: stored = Int64(Int8(bitPattern: row.byte(start)))
      }
      return stored < number ? -1 : stored == number ? 0 : 1
    case .unsigned(let number):
      let start = range.lowerBound
      let stored: UInt64
      switch range.count {
      case 8: stored = row.little64(start)
      case 4: stored = UInt64(row.little32(start))
      case 2: stored = UInt64(row.little16(start))
      default: stored = UInt64(row.byte(start))
      }
      return stored < number ? -1 : stored == number ? 0 : 1
    case .bytes(let bytes): return row.compare(range, with: bytes)
    case .none, .encoded: return 0
    }
  }

  private static func isNull(
    _ column: Int, _ layout: EntryLayout, _ key: RawSpan, _ row: RawSpan
  ) throws(StorageError) -> Bool {
    guard case .slot(let slot) = layout.places[column] else { return try layout.value(column, key, row).isNull }
    switch layout.row.field(slot, in: row) {
    case .null: return true
    case .missing: return layout.columns[column].initial.isNull
    case .at: return false
    case .damaged: throw layout.damage
    }
  }

  private static func compare(_ left: ColumnValue, _ comparison: Comparison, _ right: ColumnValue) -> Truth {
    if left.isNull || right.isNull { return .unknown }
    return Truth(comparison.holds(Int(left.order(to: right).rawValue)))
  }

  private static func isIn(_ value: ColumnValue, _ list: [ColumnValue], _ hasNull: Bool) -> Truth {
    if value.isNull { return list.isEmpty && !hasNull ? .no : .unknown }
    var (low, high) = (0, list.count)
    while low < high {
      let middle = (low + high) / 2
      switch list[middle].order(to: value) {
      case .same: return .yes
      case .before: low = middle + 1
      case .behind: high = middle
      }
    }
    return hasNull ? .unknown : .no
  }

  private static func textBytes(_ value: ColumnValue) -> [UInt8]? {
    switch value {
    case .string(let text): Array(text.utf8)
    case .bytes(let bytes): bytes
    default: nil
    }
  }
}
