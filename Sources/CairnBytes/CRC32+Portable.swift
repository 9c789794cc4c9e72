extension CRC32 {
  /// The checksum from a table, sixteen bytes a step, with nothing but the standard library.
  package static func portableChecksum(_ bytes: RawSpan, seed: UInt32 = 0) -> UInt32 {
    var state = ~seed
    unsafe table.withUnsafeBufferPointer { table in
      unsafe bytes.withUnsafeBytes { buffer in
        var offset = 0
        while offset + 16 <= buffer.count {
          let low = unsafe UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
          let high = unsafe UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
          state = unsafe step(low ^ UInt64(state), high, table)
          offset += 16
        }
        while offset < buffer.count {
          state = unsafe table[Int((state ^ UInt32(buffer[offset])) & 0xFF)] ^ (state >> 8)
          offset += 1
        }
      }
    }
    return ~state
  }

  /// The state after sixteen bytes; the state before is already mixed into `low`. The byte that has `n` bytes of the
  /// sixteen behind it goes through the `n`-th slice of the table.
  @inline(__always)
  private static func step(_ low: UInt64, _ high: UInt64, _ table: UnsafeBufferPointer<UInt32>) -> UInt32 {
    var result = slice(15, low) ^ slice(14, low >> 8) ^ slice(13, low >> 16) ^ slice(12, low >> 24)
    result ^= slice(11, low >> 32) ^ slice(10, low >> 40) ^ slice(9, low >> 48) ^ slice(8, low >> 56)
    result ^= slice(7, high) ^ slice(6, high >> 8) ^ slice(5, high >> 16) ^ slice(4, high >> 24)
    result ^= slice(3, high >> 32) ^ slice(2, high >> 40) ^ slice(1, high >> 48) ^ slice(0, high >> 56)
    return result

    @inline(__always)
    func slice(_ number: Int, _ byte: UInt64) -> UInt32 {
      unsafe table[number << 8 | Int(truncatingIfNeeded: byte & 0xFF)]
    }
  }

  /// Sixteen slices of 256 entries: slice `n` advances one byte and then `n` bytes of zero.
  private static let table: [UInt32] = {
    var table = [UInt32](repeating: 0, count: 16 * 256)
    for byte in 0..<256 {
      var entry = UInt32(byte)
      for _ in 0..<8 {
        entry = entry & 1 == 0 ? entry >> 1 : entry >> 1 ^ 0xEDB8_8320
      }
      table[byte] = entry
    }
    for index in 256..<table.count {
      let previous = table[index - 256]
      table[index] = previous >> 8 ^ table[Int(previous & 0xFF)]
    }
    return table
  }()
}
