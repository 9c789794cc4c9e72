/// XXH64: the digest over what comes piece by piece, such as the changes of a commit. Large data have ``XXHash3``.
///
/// Not a cryptographic hash: it finds what a disk does to bytes, not what an attacker does. It needs no table and no vector
/// unit.
///
/// The value of this type is the incremental form: any split of the same bytes over ``update(_:)`` gives the digest
/// that ``digest(_:seed:)`` gives at once.
package struct XXHash64: Sendable {
  private var lanes: Lanes
  /// Up to 31 bytes that do not fill a stripe yet.
  private var pending: [UInt8] = []
  private var byteCount: UInt64 = 0
  private let seed: UInt64

  /// Starts with no bytes.
  package init(seed: UInt64 = 0) {
    self.seed = seed
    lanes = Lanes(seed: seed)
  }

  /// The digest of `bytes`.
  package static func digest(_ bytes: RawSpan, seed: UInt64 = 0) -> UInt64 {
    unsafe bytes.withUnsafeBytes { buffer in
      var lanes = Lanes(seed: seed)
      let tail = unsafe lanes.consumeStripes(of: buffer, from: 0)
      return unsafe lanes.finish(buffer, from: tail, byteCount: UInt64(buffer.count), seed: seed)
    }
  }

  /// The digest of `bytes`.
  package static func digest(_ bytes: Span<UInt8>, seed: UInt64 = 0) -> UInt64 {
    digest(unsafe bytes.bytes, seed: seed)
  }

  /// Adds `bytes` behind what came before.
  package mutating func update(_ bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes { buffer in
      byteCount &+= UInt64(buffer.count)
      var offset = 0
      if !pending.isEmpty {
        offset = min(Lanes.stripe - pending.count, buffer.count)
        unsafe pending.append(contentsOf: buffer[..<offset])
        guard pending.count == Lanes.stripe else { return }
        _ = unsafe pending.withUnsafeBytes { stripe in unsafe lanes.consumeStripes(of: stripe, from: 0) }
        pending.removeAll(keepingCapacity: true)
      }
      offset = unsafe lanes.consumeStripes(of: buffer, from: offset)
      unsafe pending.append(contentsOf: buffer[offset...])
    }
  }

  /// Adds `bytes` behind what came before.
  package mutating func update(_ bytes: Span<UInt8>) {
    update(unsafe bytes.bytes)
  }

  /// The digest of all bytes so far. More may follow.
  package func finish() -> UInt64 {
    unsafe pending.withUnsafeBytes { buffer in
      unsafe lanes.finish(buffer, from: 0, byteCount: byteCount, seed: seed)
    }
  }
}

/// The four accumulators of XXH64 and the arithmetic on them.
private struct Lanes {
  static let stripe = 32
  static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
  static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
  static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
  static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
  static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

  var first: UInt64
  var second: UInt64
  var third: UInt64
  var fourth: UInt64

  init(seed: UInt64) {
    first = seed &+ Self.prime1 &+ Self.prime2
    second = seed &+ Self.prime2
    third = seed
    fourth = seed &- Self.prime1
  }

  /// Takes in every whole stripe from `start` on and returns where the bytes begin that do not fill one.
  @inline(__always)
  mutating func consumeStripes(of buffer: UnsafeRawBufferPointer, from start: Int) -> Int {
    var offset = start
    while offset + Self.stripe <= buffer.count {
      first = Self.round(first, unsafe Self.uint64(buffer, offset))
      second = Self.round(second, unsafe Self.uint64(buffer, offset + 8))
      third = Self.round(third, unsafe Self.uint64(buffer, offset + 16))
      fourth = Self.round(fourth, unsafe Self.uint64(buffer, offset + 24))
      offset += Self.stripe
    }
    return offset
  }

  /// The digest: the accumulators folded into one, then the bytes from `start` on, fewer than a stripe.
  func finish(_ buffer: UnsafeRawBufferPointer, from start: Int, byteCount: UInt64, seed: UInt64) -> UInt64 {
    var hash = byteCount < UInt64(Self.stripe) ? seed &+ Self.prime5 : folded()
    hash = hash &+ byteCount
    var offset = start
    while offset + 8 <= buffer.count {
      hash ^= Self.round(0, unsafe Self.uint64(buffer, offset))
      hash = Self.rotate(hash, 27) &* Self.prime1 &+ Self.prime4
      offset += 8
    }
    if offset + 4 <= buffer.count {
      let word = unsafe UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
      hash ^= UInt64(word) &* Self.prime1
      hash = Self.rotate(hash, 23) &* Self.prime2 &+ Self.prime3
      offset += 4
    }
    while offset < buffer.count {
      hash ^= UInt64(unsafe buffer[offset]) &* Self.prime5
      hash = Self.rotate(hash, 11) &* Self.prime1
      offset += 1
    }
    hash = (hash ^ hash >> 33) &* Self.prime2
    hash = (hash ^ hash >> 29) &* Self.prime3
    return hash ^ hash >> 32
  }

  private func folded() -> UInt64 {
    var hash = Self.rotate(first, 1) &+ Self.rotate(second, 7)
    hash = hash &+ Self.rotate(third, 12) &+ Self.rotate(fourth, 18)
    for lane in [first, second, third, fourth] {
      hash = (hash ^ Self.round(0, lane)) &* Self.prime1 &+ Self.prime4
    }
    return hash
  }

  @inline(__always)
  private static func round(_ accumulator: UInt64, _ input: UInt64) -> UInt64 {
    rotate(accumulator &+ input &* prime2, 31) &* prime1
  }

  @inline(__always)
  private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
    value &<< count | value &>> (64 - count)
  }

  @inline(__always)
  private static func uint64(_ buffer: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
    unsafe UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }
}
