import CairnBytes

/// The contents of one sector at one time; never changed, so that any number of images share it.
public struct SectorBytes: Equatable, Sendable {
  /// Which sector.
  public let sector: Int
  /// Its bytes.
  public let bytes: [UInt8]
  /// What it adds to an image's hash: 0 when all its bytes are zeros, so that growing changes no hash.
  public let hash: UInt64

  public init(sector: Int, bytes: [UInt8]) {
    self.sector = sector
    self.bytes = bytes
    let isZero = bytes.allSatisfy { $0 == 0 }
    hash = isZero ? 0 : XXHash64.digest(bytes.span, seed: UInt64(sector) &* 0x9E37_79B9_7F4A_7C15 &+ 1)
  }

  public static func == (left: Self, right: Self) -> Bool {
    left.sector == right.sector && left.hash == right.hash && left.bytes == right.bytes
  }

  /// Bytes that nobody wrote: what a sector may hold that was being written when the power went.
  public static func garbage(_ sector: Int, byteCount: Int, seed: UInt64) -> SectorBytes {
    var noise = SeededGenerator(seed: UInt64(sector) &* 0x9E37_79B9_7F4A_7C15 ^ seed)
    return SectorBytes(sector: sector, bytes: noise.bytes(byteCount))
  }
}

/// All bytes of a memory at one time: those of a base that many images share, and the sectors that differ from it.
public struct CrashImage: Sendable {
  public private(set) var base: [UInt8]
  public private(set) var changed: [Int: SectorBytes] = [:]
  /// The size, which may be less than the base's.
  public var byteCount: Int
  public let sectorByteCount: Int
  /// The sum over all sectors: images of the same bytes have the same hash, however they came about.
  private var sum: UInt64

  /// Beyond as many changed sectors the base is made anew, so that an image stays quick to set up.
  private static let changedLimit = 64

  public init(_ bytes: [UInt8], sectorByteCount: Int = 512) {
    base = bytes
    byteCount = bytes.count
    self.sectorByteCount = sectorByteCount
    sum = 0
    for sector in 0..<(bytes.count + sectorByteCount - 1) / sectorByteCount {
      sum &+= SectorBytes(sector: sector, bytes: self.bytes(of: sector)).hash
    }
  }

  /// An image whose hash nobody asks for.
  init(unhashed bytes: [UInt8], sectorByteCount: Int) {
    base = bytes
    byteCount = bytes.count
    self.sectorByteCount = sectorByteCount
    sum = 0
  }

  /// The hash of all bytes and the size.
  public var hash: UInt64 { Self.hash(sum: sum, byteCount: byteCount) }

  /// The hash that this image has with other sectors whose hashes add up to `delta` more.
  func hash(adding delta: UInt64, byteCount: Int) -> UInt64 { Self.hash(sum: sum &+ delta, byteCount: byteCount) }

  private static func hash(sum: UInt64, byteCount: Int) -> UInt64 {
    var mixed = sum ^ UInt64(byteCount) &* 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    return mixed ^ (mixed >> 31)
  }

  private func bytes(of sector: Int) -> [UInt8] {
    let lower = sector * sectorByteCount
    guard lower < base.count else { return [UInt8](repeating: 0, count: sectorByteCount) }
    let found = Array(base[lower..<min(lower + sectorByteCount, base.count)])
    return found + [UInt8](repeating: 0, count: sectorByteCount - found.count)
  }

  /// A sector as the image has it.
  public subscript(sector: Int) -> SectorBytes {
    changed[sector] ?? SectorBytes(sector: sector, bytes: bytes(of: sector))
  }

  /// Puts sectors in the place of others.
  public mutating func replace(_ sectors: some Sequence<SectorBytes>) {
    for sector in sectors {
      sum = sum &- self[sector.sector].hash &+ sector.hash
      changed[sector.sector] = sector
    }
    if changed.count > Self.changedLimit { fold() }
  }

  /// Puts what differs into a base of its own.
  public mutating func fold() {
    base = allBytes
    changed = [:]
  }

  /// All of it as one array.
  public var allBytes: [UInt8] {
    var all = base
    if all.count < byteCount { all += [UInt8](repeating: 0, count: byteCount - all.count) }
    if all.count > byteCount { all.removeLast(all.count - byteCount) }
    for (sector, contents) in changed where sector * sectorByteCount < all.count {
      let lower = sector * sectorByteCount
      let count = min(sectorByteCount, all.count - lower)
      all.replaceSubrange(lower..<lower + count, with: contents.bytes[..<count])
    }
    return all
  }
}
