#if SystemZlib
  import CZlib

  extension CRC32 {
    /// The checksum as the system's zlib computes it.
    package static func systemChecksum(_ bytes: RawSpan, seed: UInt32 = 0) -> UInt32 {
      // zlib takes a null pointer for "start anew" and would forget the seed.
      guard bytes.byteCount > 0 else { return seed }
      return unsafe bytes.withUnsafeBytes { buffer in
        let start = unsafe buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
        return UInt32(truncatingIfNeeded: unsafe crc32_z(uLong(seed), start, z_size_t(buffer.count)))
      }
    }
  }
#endif
