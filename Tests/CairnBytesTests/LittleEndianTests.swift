import CairnBytes
import Testing

@Suite("Little-endian integers")
struct LittleEndianTests {
  @Test("come out of the bytes, lowest first")
  func reads() {
    let bytes: [UInt8] = [0xFF, 1, 2, 3, 4, 5, 6, 7, 8, 0xFF]
    #expect(LittleEndian.uint16(bytes.span, at: 1) == 0x0201)
    #expect(LittleEndian.uint32(bytes.span, at: 1) == 0x0403_0201)
    #expect(LittleEndian.uint64(bytes.span, at: 1) == 0x0807_0605_0403_0201)
  }

  @Test("go in at every place and touch nothing else", arguments: 0...4)
  func stores(offset: Int) {
    var bytes = [UInt8](repeating: 0xEE, count: 12)
    var span = bytes.mutableSpan
    LittleEndian.store(UInt64(0x0102_0304_0506_0708), in: &span, at: offset)
    #expect(Array(bytes[offset..<offset + 8]) == [8, 7, 6, 5, 4, 3, 2, 1])
    #expect(bytes.enumerated().allSatisfy { ($0 >= offset && $0 < offset + 8) || $1 == 0xEE })

    var shorter = bytes.mutableSpan
    LittleEndian.store(UInt16(0xA1B2), in: &shorter, at: offset)
    LittleEndian.store(UInt32(0xC1D2_E3F4), in: &shorter, at: offset + 2)
    #expect(Array(bytes[offset..<offset + 6]) == [0xB2, 0xA1, 0xF4, 0xE3, 0xD2, 0xC1])
  }

  @Test("outside their buffer stop the program")
  func bounds() async {
    await #expect(processExitsWith: .failure) {
      let bytes = [UInt8](repeating: 0, count: 8)
      _ = LittleEndian.uint64(bytes.span, at: 1)
    }
    await #expect(processExitsWith: .failure) {
      let bytes = [UInt8](repeating: 0, count: 8)
      _ = LittleEndian.uint16(bytes.span, at: -1)
    }
    await #expect(processExitsWith: .failure) {
      var bytes = [UInt8](repeating: 0, count: 3)
      var span = bytes.mutableSpan
      LittleEndian.store(UInt32(1), in: &span, at: 0)
    }
  }
}
