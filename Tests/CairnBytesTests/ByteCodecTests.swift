import CairnBytes
import CairnTestSupport
import Testing

@Suite("Byte reader and writer")
struct ByteCodecTests {
  /// One value of those that a writer can write.
  private enum Item: Equatable {
    case uint8(UInt8)
    case uint16(UInt16)
    case uint32(UInt32)
    case uint64(UInt64)
    case varint(UInt64)
    case bytes([UInt8])
    case prefixed([UInt8])

    static func random(_ generator: inout SeededGenerator) -> Item {
      // As many short numbers as long ones.
      let number = generator.next() >> UInt64(generator.below(64))
      return switch generator.below(7) {
      case 0: .uint8(UInt8(truncatingIfNeeded: number))
      case 1: .uint16(UInt16(truncatingIfNeeded: number))
      case 2: .uint32(UInt32(truncatingIfNeeded: number))
      case 3: .uint64(number)
      case 4: .varint(number)
      case 5: .bytes(generator.bytes(generator.below(20)))
      default: .prefixed(generator.bytes(generator.below(300)))
      }
    }

    func write(to writer: inout ByteWriter) {
      switch self {
      case .uint8(let value): writer.uint8(value)
      case .uint16(let value): writer.uint16(value)
      case .uint32(let value): writer.uint32(value)
      case .uint64(let value): writer.uint64(value)
      case .varint(let value): writer.varint(value)
      case .bytes(let value): writer.append(value.span)
      case .prefixed(let value): writer.lengthPrefixed(value)
      }
    }

    /// The value of the same kind that stands in the bytes.
    func read(from reader: inout ByteReader) throws(ByteReader.Failure) -> Item {
      switch self {
      case .uint8: .uint8(try reader.uint8())
      case .uint16: .uint16(try reader.uint16())
      case .uint32: .uint32(try reader.uint32())
      case .uint64: .uint64(try reader.uint64())
      case .varint: .varint(try reader.varint())
      case .bytes(let value): .bytes(try reader.bytes(count: value.count))
      case .prefixed: .prefixed(try reader.lengthPrefixed(limit: 300))
      }
    }
  }

  @Test("writes these bytes")
  func golden() {
    var writer = ByteWriter()
    writer.uint8(0xA0)
    writer.uint16(0x0102)
    writer.uint32(0x0304_0506)
    writer.uint64(0x0708_090A_0B0C_0D0E)
    writer.varint(0)
    writer.varint(127)
    writer.varint(128)
    writer.varint(300)
    writer.varint(.max)
    writer.append([1, 2])
    writer.lengthPrefixed([7, 8, 9])
    let expected: [UInt8] = [
      0xA0, 2, 1, 6, 5, 4, 3, 0x0E, 0x0D, 0x0C, 0x0B, 0x0A, 9, 8, 7, 0, 127, 0x80, 1, 0xAC, 2,
      0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 1, 2, 3, 7, 8, 9,
    ]
    #expect(writer.bytes == expected)
  }

  @Test("gives back what was written, and every truncation is noticed", arguments: TestSeeds.list(count: 30))
  func roundTrip(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let items = (0..<20).map { _ in Item.random(&generator) }
    var writer = ByteWriter()
    for item in items { item.write(to: &writer) }

    var reader = ByteReader(writer.bytes)
    for item in items { #expect(try item.read(from: &reader) == item) }
    try reader.finish()

    for count in 0..<writer.bytes.count {
      var short = ByteReader(Array(writer.bytes[..<count]))
      #expect(throws: ByteReader.Failure.truncated) {
        for item in items { _ = try item.read(from: &short) }
      }
    }
  }

  @Test("never stops the program, whatever the bytes", arguments: TestSeeds.list(count: 30))
  func hostileBytes(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<100 {
      var reader = ByteReader(generator.bytes(generator.below(40)))
      var failed = false
      while !failed, reader.remaining > 0 {
        let before = reader.offset
        do throws(ByteReader.Failure) {
          _ = try Item.random(&generator).read(from: &reader)
          #expect(reader.offset >= before && reader.remaining >= 0)
        } catch {
          #expect(reader.offset == before, "a failed read moves nothing")
          failed = true
        }
      }
    }
  }

  @Test(
    "accepts a varint in its shortest form only",
    arguments: [
      ([0x80, 0x00], .malformed), ([0xFF, 0x00], .malformed), ([0x80, 0x80, 0x00], .malformed),
      ([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02], .malformed),
      ([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x81, 0x00], .malformed),
      ([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], .malformed),
      ([], .truncated), ([0x80], .truncated), ([0xFF, 0xFF], .truncated),
    ] as [([UInt8], ByteReader.Failure)]
  )
  func varintForms(bytes: [UInt8], failure: ByteReader.Failure) {
    var reader = ByteReader(bytes)
    #expect(throws: failure) { try reader.varint() }
    #expect(reader.offset == 0)
  }

  @Test("keeps to the edges of varints", arguments: 0..<64)
  func varintEdges(bit: UInt64) throws {
    for value in [UInt64(1) << bit, UInt64(1) << bit - 1, UInt64.max >> bit] {
      var writer = ByteWriter()
      writer.varint(value)
      #expect(writer.bytes.count == max(1, (64 - value.leadingZeroBitCount + 6) / 7))
      var reader = ByteReader(writer.bytes)
      #expect(try reader.varint() == value)
      try reader.finish()
    }
  }

  @Test("refuses lengths that are too large before it allocates")
  func lengths() {
    var writer = ByteWriter()
    writer.varint(.max)
    writer.append([1, 2, 3])
    var reader = ByteReader(writer.bytes)
    #expect(throws: ByteReader.Failure.malformed) { try reader.lengthPrefixed(limit: .max) }
    #expect(reader.offset == 0)

    var large = ByteWriter()
    large.varint(1 << 40)
    var second = ByteReader(large.bytes)
    #expect(throws: ByteReader.Failure.truncated) { try second.lengthPrefixed(limit: .max) }
    #expect(throws: ByteReader.Failure.malformed) { try second.lengthPrefixed(limit: 100) }
    #expect(throws: ByteReader.Failure.malformed) { try second.lengthPrefixed(limit: -1) }
    #expect(throws: ByteReader.Failure.malformed) { try second.bytes(count: -1) }
    #expect(throws: ByteReader.Failure.truncated) { try second.bytes(count: .max) }
    #expect(second.offset == 0)
  }

  @Test("notices what is left over")
  func trailing() throws {
    var reader = ByteReader([1, 2])
    _ = try reader.uint8()
    #expect(throws: ByteReader.Failure.trailing) { try reader.finish() }
    _ = try reader.uint8()
    try reader.finish()
  }
}

@Suite("Bulk copies")
struct BulkCopyTests {
  @Test("copy to the place asked for and nowhere else")
  func copying() {
    var target = [UInt8](repeating: 9, count: 8)
    let source: [UInt8] = [1, 2, 3]
    BulkCopy.withMutableRawSpan(of: &target) { span in
      BulkCopy.withRawSpan(of: source) { BulkCopy.copy($0, into: &span, at: 5) }
    }
    #expect(target == [9, 9, 9, 9, 9, 1, 2, 3])
    var span = target.mutableSpan
    BulkCopy.copy(source.span, into: &span, at: 0)
    BulkCopy.copy([UInt8]().span, into: &span, at: 8)
    #expect(target == [1, 2, 3, 9, 9, 1, 2, 3])
  }

  @Test("make arrays")
  func arrays() {
    let source: [UInt8] = [1, 2, 3]
    #expect(BulkCopy.array(source.span) == source)
    #expect(BulkCopy.withRawSpan(of: source) { BulkCopy.array($0) } == source)
    #expect(BulkCopy.withRawSpan(of: []) { BulkCopy.array($0) } == [])
    var grown: [UInt8] = [0]
    BulkCopy.append(source.span, to: &grown)
    BulkCopy.withRawSpan(of: source) { BulkCopy.append($0, to: &grown) }
    #expect(grown == [0, 1, 2, 3, 1, 2, 3])
  }

  @Test("stop the program rather than leave their target")
  func bounds() async {
    await #expect(processExitsWith: .failure) {
      var target = [UInt8](repeating: 9, count: 8)
      var span = target.mutableSpan
      BulkCopy.copy([1, 2, 3].span, into: &span, at: 6)
    }
  }
}
