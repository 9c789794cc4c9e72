import CairnBlocks

/// A way to the rows of one table: which tree, which parts of it, in which direction.
struct AccessPath: Sendable {
  /// The index; nil: the table's own tree.
  let index: Int?
  /// The parts of the tree, ascending and apart.
  let ranges: [KeyBounds]
  let isReversed: Bool
  /// The index has all columns that are needed.
  let isIndexOnly: Bool
  /// How many first columns of the tree's keys have one value each.
  let fixedColumnCount: Int
  let layout: EntryLayout
  /// The paths of a union, one for each alternative of a condition; then the path itself leads nowhere.
  var branches: [Branch] = []

  /// One alternative, and the way to the rows for which it is true.
  struct Branch: Sendable {
    let path: AccessPath
    let condition: Condition
  }
}

/// What a predicate says of one column by itself.
struct ColumnBounds {
  /// The values it may have, in order, if they are few: equality, null or a list.
  var points: [ColumnValue]?
  var low: (value: ColumnValue, isIncluded: Bool)?
  var high: (value: ColumnValue, isIncluded: Bool)?
  var prefix: [UInt8]?
  var isNotNull = false

  /// The share of the rows that are within the bounds, as a guess: a third has one bound, a tenth two, a twentieth a prefix.
  var share: Double {
    if prefix != nil { return 0.05 }
    if low != nil && high != nil { return 0.1 }
    return low != nil || high != nil ? 0.33 : 0.9
  }

  /// What the parts of a conjunction say of each column. What is left out is still looked at for each row.
  static func collect(_ condition: Condition, _ bounds: inout [ColumnBounds?]) {
    switch condition {
    case .and(let parts): for part in parts { collect(part, &bounds) }
    case .compare(let column, let comparison, let value, _):
      var own = bounds[column] ?? ColumnBounds()
      own.add(comparison, value)
      bounds[column] = own
    case .isIn(let column, let values, _):
      var own = bounds[column] ?? ColumnBounds()
      own.restrict(to: values)
      own.isNotNull = true
      bounds[column] = own
    case .isNull(let column):
      var own = bounds[column] ?? ColumnBounds()
      own.restrict(to: [.null])
      bounds[column] = own
    case .not(.isNull(let column)):
      var own = bounds[column] ?? ColumnBounds()
      own.isNotNull = true
      bounds[column] = own
    case .hasPrefix(let column, let prefix):
      var own = bounds[column] ?? ColumnBounds()
      own.isNotNull = true
      if own.prefix == nil || (own.prefix?.count ?? 0) < prefix.count { own.prefix = prefix }
      bounds[column] = own
    default: break
    }
  }

  private mutating func add(_ comparison: Comparison, _ value: ColumnValue) {
    isNotNull = true
    switch comparison {
    case .equal: restrict(to: [value])
    case .notEqual: break
    case .less: if high.map({ value <= $0.value }) ?? true { high = (value, false) }
    case .lessOrEqual: if high.map({ value < $0.value }) ?? true { high = (value, true) }
    case .greater: if low.map({ value >= $0.value }) ?? true { low = (value, false) }
    case .greaterOrEqual: if low.map({ value > $0.value }) ?? true { low = (value, true) }
    }
  }

  private mutating func restrict(to values: [ColumnValue]) {
    var distinct: [ColumnValue] = []
    for value in values where distinct.last != value { distinct.append(value) }
    points = points.map { known in known.filter { distinct.contains($0) } } ?? distinct
  }
}

/// Builds the parts of a tree that can hold what bounds allow.
struct RangeBuilder {
  /// Lists of values are taken apart into no more ranges than this.
  static let rangeCountMax = 1_000

  let layout: EntryLayout
  /// The columns of the tree's keys, as far as they can bound.
  let columns: [Int]
  let bounds: [ColumnBounds?]

  struct Result {
    var ranges: [KeyBounds]
    /// How many first columns have one value each, and how many are bound at all.
    var fixedColumnCount: Int
    var boundColumnCount: Int
    /// How many points the ranges are made of; 1 but for lists.
    var pointCount: Int
    /// The share of the rows at a point that the bounds of the last column leave, as a guess; 1 without any.
    var share = 1.0
  }

  func build() -> Result {
    var prefixes: [[UInt8]] = [[]]
    var fixed = 0
    var bound = 0
    for (part, column) in columns.enumerated() {
      guard let own = bounds[column] else { break }
      let shape = layout.key.parts[part]
      if let points = own.points {
        // A value that the column can not hold is found nowhere.
        let possible = points.filter { $0.isNull ? shape.isOptional : shape.type.accepts($0) }
        guard prefixes.count * max(possible.count, 1) <= Self.rangeCountMax else { break }
        var longer: [[UInt8]] = []
        for prefix in prefixes {
          for point in possible {
            var key = prefix
            layout.key.append(point, as: part, to: &key)
            longer.append(key)
          }
        }
        prefixes = longer
        bound += 1
        if possible.count == 1, fixed == part { fixed += 1 }
        continue
      }
      guard own.low != nil || own.high != nil || own.prefix != nil || (own.isNotNull && shape.isOptional) else { break }
      bound += 1
      let ranges = prefixes.compactMap { range(behind: $0, own, part) }
      return Result(
        ranges: ranges, fixedColumnCount: fixed, boundColumnCount: bound, pointCount: prefixes.count, share: own.share)
    }
    return Result(
      ranges: prefixes.map { $0.isEmpty ? .all : KeyBounds(prefix: $0) }, fixedColumnCount: fixed,
      boundColumnCount: bound, pointCount: prefixes.count)
  }

  /// The keys that begin with a prefix and whose next column is within bounds; nil when there can be none.
  private func range(behind prefix: [UInt8], _ own: ColumnBounds, _ part: Int) -> KeyBounds? {
    let shape = layout.key.parts[part]
    var range = prefix.isEmpty ? .all : KeyBounds(prefix: prefix)
    func encoded(_ value: ColumnValue) -> [UInt8]? {
      guard shape.type.accepts(value) else { return nil }
      var key = prefix
      layout.key.append(value, as: part, to: &key)
      return key
    }
    if shape.isOptional { raise(&range, to: prefix + [1]) }
    if let low = own.low, let key = encoded(low.value) {
      if low.isIncluded {
        raise(&range, to: key)
      } else if let end = KeyBounds.end(ofPrefix: key) {
        raise(&range, to: end)
      }
    }
    if let high = own.high, let key = encoded(high.value) {
      lower(&range, to: high.isIncluded ? KeyBounds.end(ofPrefix: key) : key)
    }
    if let text = own.prefix {
      let value: ColumnValue = shape.type == .string ? .string(String(decoding: text, as: UTF8.self)) : .bytes(text)
      // The encoding of the prefix as a whole value, without its two closing zeros, begins those of all that begin with it.
      if case .string(let string) = value, !Array(string.utf8).elementsEqual(text) { return range }
      if var key = encoded(value) {
        key.removeLast(2)
        raise(&range, to: key)
        lower(&range, to: KeyBounds.end(ofPrefix: key))
      }
    }
    return range.isEmpty ? nil : range
  }

  private func raise(_ range: inout KeyBounds, to low: [UInt8]) {
    if range.low.lexicographicallyPrecedes(low) { range.low = low }
  }

  private func lower(_ range: inout KeyBounds, to high: [UInt8]?) {
    guard let high else { return }
    guard let known = range.high else {
      range.high = high
      return
    }
    if high.lexicographicallyPrecedes(known) { range.high = high }
  }
}
