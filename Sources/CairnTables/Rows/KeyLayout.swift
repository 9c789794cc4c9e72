import CairnBlocks
import CairnBytes

/// How the keys of a tree are put together: the parts, one behind the other.
struct KeyLayout: Sendable {
  struct Part: Sendable {
    let type: ColumnType
    let isOptional: Bool
  }

  let parts: [Part]
  /// Where the parts begin that always begin at the same place.
  private let offsets: [Int?]

  init(_ parts: [Part]) {
    self.parts = parts
    var offsets: [Int?] = []
    var offset: Int? = 0
    for part in parts {
      offsets.append(offset)
      if let start = offset, let width = part.type.fixedByteCount, !part.isOptional {
        offset = start + width
      } else {
        offset = nil
      }
    }
    self.offsets = offsets
  }

  /// Where a part stands in a key, with its mark when it may be null; nil: the key is damaged.
  @inline(__always)
  func range(of index: Int, in key: RawSpan) -> Range<Int>? {
    if let start = offsets[index], !parts[index].isOptional, let width = parts[index].type.fixedByteCount {
      return start &+ width <= key.byteCount ? start..<start &+ width : nil
    }
    return walkedRange(of: index, in: key)
  }

  private func walkedRange(of index: Int, in key: RawSpan) -> Range<Int>? {
    var start = 0
    for part in 0..<index {
      guard let end = end(of: parts[part], at: start, in: key) else { return nil }
      start = end
    }
    guard let end = end(of: parts[index], at: start, in: key) else { return nil }
    return start..<end
  }

  /// Where the first parts of a key end; nil: the key is damaged.
  func end(ofFirst count: Int, in key: RawSpan) -> Int? {
    var offset = 0
    for part in 0..<count {
      guard let end = end(of: parts[part], at: offset, in: key) else { return nil }
      offset = end
    }
    return offset
  }

  private func end(of part: Part, at start: Int, in key: RawSpan) -> Int? {
    var offset = start
    if part.isOptional {
      guard offset < key.byteCount else { return nil }
      offset += 1
      if key.byte(offset - 1) == 0 { return offset }
    }
    if let width = part.type.fixedByteCount {
      return width <= key.byteCount - offset ? offset + width : nil
    }
    return part.type == .decimal ? Self.endOfDecimal(at: offset, in: key) : Self.endOfString(at: offset, in: key)
  }

  private static func endOfDecimal(at start: Int, in key: RawSpan) -> Int? {
    guard start < key.byteCount else { return nil }
    let head = key.byte(start)
    if head == 0x80 { return start + 1 }
    let mask: UInt8 = head < 0x80 ? 0xFF : 0
    var offset = start + 3
    while offset < key.byteCount {
      if key.byte(offset) == mask { return offset + 1 }
      offset += 1
    }
    return nil
  }

  private static func endOfString(at start: Int, in key: RawSpan) -> Int? {
    var offset = start
    while offset + 1 < key.byteCount {
      guard key.byte(offset) == 0 else {
        offset += 1
        continue
      }
      if key.byte(offset + 1) == 0 { return offset + 2 }
      offset += 2
    }
    return nil
  }

  /// Decodes a part that stands at a range.
  func value(of index: Int, at range: Range<Int>, in key: RawSpan) throws(ByteReader.Failure) -> ColumnValue {
    let part = parts[index]
    if !part.isOptional {
      switch part.type {
      case .int64: return .integer(Int64(bitPattern: key.big64(range.lowerBound) ^ 1 << 63))
      case .uint64: return .unsigned(key.big64(range.lowerBound))
      case .int32: return .integer(Int64(Int32(bitPattern: key.big32(range.lowerBound) ^ 1 << 31)))
      default: break
      }
    }
    var reader = KeyReader(key.array(range))
    return try reader.columnValue(as: part.type, isOptional: part.isOptional)
  }

  /// Appends a value as a part.
  @inline(__always)
  func append(_ value: ColumnValue, as index: Int, to key: inout [UInt8]) {
    value.appendKey(as: parts[index].type, isOptional: parts[index].isOptional, to: &key)
  }
}
