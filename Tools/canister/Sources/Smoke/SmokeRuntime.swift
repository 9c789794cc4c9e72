#if arch(wasm32)
  /// The C functions under Swift's own runtime: 128-bit arithmetic and the allocator.
  func smokeRuntime() -> Bool {
    checkArithmetic() && checkAllocator()
  }

  private func checkArithmetic() -> Bool {
    let factors: [UInt64] = [0, 1, 3, 0xFFFF_FFFF, 0x1_0000_0001, 0x1234_5678_9ABC_DEF0, .max]
    for left in factors {
      for right in factors {
        let (high, low) = left.multipliedFullWidth(by: right)
        let product = UInt128(left) * UInt128(right)
        guard UInt64(truncatingIfNeeded: product >> 64) == high, UInt64(truncatingIfNeeded: product) == low else {
          return false
        }
        guard right > 0, left > 0 else { continue }
        guard product / UInt128(left) == UInt128(right),
          (product + UInt128(left - 1)) % UInt128(left) == UInt128(left - 1)
        else { return false }
        let signed = -Int128(left) * 4 - 1
        guard signed / Int128(left) == (left == 1 ? -5 : -4), signed % Int128(left) == (left == 1 ? 0 : -1) else {
          return false
        }
      }
    }
    for count in [0, 1, 63, 64, 65, 127] {
      let one = UInt128(1) << UInt128(count)
      guard one.trailingZeroBitCount == count, one >> UInt128(count) == 1,
        count == 0 || Int128.min >> Int128(count) == -(Int128(1) << Int128(127 - count))
      else { return false }
    }
    return true
  }

  private func checkAllocator() -> Bool {
    var arrays: [[UInt8]] = []
    for round in 0..<3 {
      arrays.removeAll()
      for size in [1, 15, 100, 113, 4096, 5000, 70_000, 1_000_000] {
        arrays.append([UInt8](repeating: UInt8(size & 0x7F) + UInt8(round), count: size))
      }
      for array in arrays {
        guard array.allSatisfy({ $0 == UInt8(array.count & 0x7F) + UInt8(round) }) else { return false }
      }
    }
    return true
  }
#endif
