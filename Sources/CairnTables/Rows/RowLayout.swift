import CairnBlocks
package import CairnBytes
import CairnVolumes

/// The columns of a row that do not stand in its key, as the value of the table's tree.
///
///     offset  size  field
///          0     2  slots of this row, n; bit 15: ends take 4 bytes each rather than 2
///          2     b  one bit a slot, the lowest first: it is null; b = (n + 7) / 8
///        2+b     f  slots of a fixed width, in order, little-endian: integers and dates at the width of their type,
///                   bool 1, double and timestamp 8, unique identifiers 16 (both halves, the high one first); zeros
///                   where null
///      2+b+f   v*e  slots of other types, in order: where the bytes of each end, counted from the first of them
///              ...  their bytes: UTF-8, bytes, a principal's bytes, a decimal's key
///
/// A slot is given out when its column is added and never again, so a row that was written before the column was added is
/// just shorter: its column has the value that was kept with the slot. Each column is found in one step.
package struct RowLayout: Sendable {
  /// Most bytes of a row beside its key. One that is staged fits in an operation.
  static let byteCountMax = 1_000_000

  private static let headerByteCount = 2
  private static let wideFlag: UInt16 = 0x8000

  /// Where a slot stands in a row.
  package enum Field {
    /// It is null.
    case null
    /// The row is older than the column.
    case missing
    /// Its bytes.
    case at(Range<Int>)
    /// Outside of the row.
    case damaged
  }

  /// The types of the slots.
  let slots: [ColumnType]
  /// For each number of slots: bytes of the fixed ones, and how many others, before it.
  private let fixedBefore: [Int]
  private let variableBefore: [Int]

  /// The layout of rows with these slots.
  package init(_ slots: [ColumnType]) {
    self.slots = slots
    var fixed = [0]
    var variable = [0]
    for (index, type) in slots.enumerated() {
      fixed.append(fixed[index] + (type.fixedByteCount ?? 0))
      variable.append(variable[index] + (type.fixedByteCount == nil ? 1 : 0))
    }
    fixedBefore = fixed
    variableBefore = variable
  }

  // MARK: Reading

  /// Where a slot stands in a row.
  @inline(__always)
  package func field(_ slot: Int, in row: RawSpan) -> Field {
    guard row.byteCount >= Self.headerByteCount else { return .damaged }
    let header = row.little16(0)
    let count = Int(header & ~Self.wideFlag)
    guard slot < count else { return count <= slots.count ? .missing : .damaged }
    let bitmap = Self.headerByteCount &+ (count &+ 7) / 8
    guard count <= slots.count, bitmap <= row.byteCount else { return .damaged }
    guard row.byte(Self.headerByteCount &+ slot / 8) & (1 &<< UInt8(slot & 7)) == 0 else { return .null }
    if let width = slots[slot].fixedByteCount {
      let start = bitmap &+ fixedBefore[slot]
      return start &+ width <= row.byteCount ? .at(start..<start &+ width) : .damaged
    }
    let width = header & Self.wideFlag == 0 ? 2 : 4
    let ends = bitmap &+ fixedBefore[count]
    let bytes = ends &+ variableBefore[count] &* width
    guard bytes <= row.byteCount else { return .damaged }
    let index = variableBefore[slot]
    let start = index == 0 ? 0 : Self.end(index &- 1, at: ends, width, in: row)
    let end = Self.end(index, at: ends, width, in: row)
    guard start <= end, end <= row.byteCount &- bytes else { return .damaged }
    return .at(bytes &+ start..<bytes &+ end)
  }

  @inline(__always)
  private static func end(_ index: Int, at ends: Int, _ width: Int, in row: RawSpan) -> Int {
    width == 2 ? Int(row.little16(ends &+ index &* 2)) : Int(row.little32(ends &+ index &* 4))
  }

  /// Decodes the value of a slot that stands at a range.
  package func value(of slot: Int, at range: Range<Int>, in row: RawSpan) throws(ByteReader.Failure) -> ColumnValue {
    let start = range.lowerBound
    switch slots[slot] {
    case .int8: return .integer(Int64(Int8(bitPattern: row.byte(start))))
    case .int16: return .integer(Int64(Int16(bitPattern: row.little16(start))))
    case .int32: return .integer(Int64(Int32(bitPattern: row.little32(start))))
    case .int64: return .integer(Int64(bitPattern: row.little64(start)))
    case .uint8: return .unsigned(UInt64(row.byte(start)))
    case .uint16: return .unsigned(UInt64(row.little16(start)))
    case .uint32: return .unsigned(UInt64(row.little32(start)))
    case .uint64: return .unsigned(row.little64(start))
    case .double: return .double(Double(bitPattern: row.little64(start)))
    case .bool:
      guard row.byte(start) <= 1 else { throw .malformed }
      return .bool(row.byte(start) == 1)
    case .string: return .string(row.string(range))
    case .bytes: return .bytes(row.array(range))
    case .date:
      guard let date = CalendarDate(daysSince1970: Int32(bitPattern: row.little32(start))) else { throw .malformed }
      return .date(date)
    case .timestamp: return .timestamp(Timestamp(nanosecondsSince1970: Int64(bitPattern: row.little64(start))))
    case .uniqueID: return .uniqueID(UniqueID(high: row.little64(start), low: row.little64(start + 8)))
    case .principal: return .principal(try ColumnValue.principal(from: row.array(range)))
    case .decimal:
      var reader = KeyReader(row.array(range))
      let value = try reader.columnValue(as: .decimal, isOptional: false)
      try reader.finish()
      return value
    }
  }

  /// Whether a row is whole: no more slots than the table has, all parts within it, and nothing behind them.
  package func isWellFormed(_ row: RawSpan) -> Bool {
    guard row.byteCount >= Self.headerByteCount else { return false }
    let header = row.little16(0)
    let count = Int(header & ~Self.wideFlag)
    guard count <= slots.count else { return false }
    let width = header & Self.wideFlag == 0 ? 2 : 4
    let ends = Self.headerByteCount + (count + 7) / 8 + fixedBefore[count]
    let bytes = ends + variableBefore[count] * width
    guard bytes <= row.byteCount else { return false }
    var last = 0
    for index in 0..<variableBefore[count] {
      let end = Self.end(index, at: ends, width, in: row)
      guard end >= last else { return false }
      last = end
    }
    return last == row.byteCount - bytes
  }

  // MARK: Writing

  /// Appends a row: of each slot the value of its column, null for a slot without one. The values are of the slots' types.
  package func append(_ values: [ColumnValue], at slotColumns: [Int?], to row: inout [UInt8]) {
    let start = row.count
    if !append(values, at: slotColumns, endByteCount: 2, to: &row) {
      row.removeLast(row.count - start)
      _ = append(values, at: slotColumns, endByteCount: 4, to: &row)
    }
  }

  /// False: the ends do not fit in so many bytes.
  private func append(
    _ values: [ColumnValue], at slotColumns: [Int?], endByteCount: Int, to row: inout [UInt8]
  ) -> Bool {
    let bitmap = row.count + Self.headerByteCount
    let ends = bitmap + (slots.count + 7) / 8 + fixedBefore[slots.count]
    let bytes = ends + variableBefore[slots.count] * endByteCount
    row.appendLittle(UInt64(slots.count) | (endByteCount == 4 ? UInt64(Self.wideFlag) : 0), byteCount: 2)
    for _ in bitmap..<bitmap + (slots.count + 7) / 8 { row.append(0) }
    for slot in slots.indices {
      var isNull = true
      if let column = slotColumns[slot] { isNull = values[column].isNull }
      if isNull { row[bitmap + slot / 8] |= 1 << UInt8(slot & 7) }
      guard let width = slots[slot].fixedByteCount else { continue }
      if let column = slotColumns[slot], !isNull {
        Self.appendFixed(values[column], width: width, to: &row)
      } else {
        row.appendZeros(width)
      }
    }
    row.appendZeros(bytes - ends)
    var place = ends
    for slot in slots.indices where slots[slot].fixedByteCount == nil {
      if let column = slotColumns[slot] { Self.appendVariable(values[column], to: &row) }
      let end = row.count - bytes
      guard endByteCount == 4 || end <= Int(UInt16.max) else { return false }
      row.putLittle(UInt64(end), byteCount: endByteCount, at: place)
      place += endByteCount
    }
    return true
  }

  /// Puts a value in a slot of a row that has a fixed width there; false, and the row as it was, when it has none.
  func patch(_ slot: Int, with value: ColumnValue, in row: inout [UInt8]) -> Bool {
    guard let width = slots[slot].fixedByteCount, row.count >= Self.headerByteCount else { return false }
    let count = Int(UInt16(row[0]) | UInt16(row[1]) << 8) & Int(~Self.wideFlag)
    let start = Self.headerByteCount + (count + 7) / 8 + fixedBefore[slot]
    guard slot < count, count <= slots.count, start + width <= row.count else { return false }
    let mark: UInt8 = 1 << UInt8(slot & 7)
    if value.isNull {
      row[Self.headerByteCount + slot / 8] |= mark
      for index in start..<start + width { row[index] = 0 }
      return true
    }
    row[Self.headerByteCount + slot / 8] &= ~mark
    var bytes: [UInt8] = []
    Self.appendFixed(value, width: width, to: &bytes)
    for index in bytes.indices { row[start + index] = bytes[index] }
    return true
  }

  private static func appendFixed(_ value: ColumnValue, width: Int, to row: inout [UInt8]) {
    switch value {
    case .integer(let number): row.appendLittle(UInt64(bitPattern: number), byteCount: width)
    case .unsigned(let number): row.appendLittle(number, byteCount: width)
    case .double(let number): row.appendLittle(number.bitPattern, byteCount: width)
    case .bool(let flag): row.appendLittle(flag ? 1 : 0, byteCount: width)
    case .date(let date): row.appendLittle(UInt64(UInt32(bitPattern: date.daysSince1970)), byteCount: width)
    case .timestamp(let time): row.appendLittle(UInt64(bitPattern: time.nanosecondsSince1970), byteCount: width)
    case .uniqueID(let id):
      row.appendLittle(id.high, byteCount: 8)
      row.appendLittle(id.low, byteCount: 8)
    default: row.appendZeros(width)
    }
  }

  private static func appendVariable(_ value: ColumnValue, to bytes: inout [UInt8]) {
    switch value {
    case .string(let text): bytes.append(contentsOf: text.utf8)
    case .bytes(let value): bytes += value
    case .principal(let principal): bytes += principal.bytes
    case .decimal: value.appendKey(as: .decimal, isOptional: false, to: &bytes)
    default: break
    }
  }
}
