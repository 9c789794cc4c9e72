import CairnTestSupport
import Testing

@Suite("Crash enumerator")
struct CrashEnumeratorTests {
  private static func write(_ sector: Int, _ byte: UInt8, sectors: Int = 1) -> SimulatedMemory.Event {
    .write(offset: sector * 512, bytes: [UInt8](repeating: byte, count: sectors * 512))
  }

  /// The first bytes of the first four sectors of each image, at the last point.
  private static func images(_ events: [SimulatedMemory.Event]) throws -> [(bytes: [UInt8], subset: String)] {
    var images: [([UInt8], String)] = []
    try CrashEnumerator().forEachImage(
      initial: [UInt8](repeating: 0, count: 4096), events: events, points: events.count..<events.count + 1
    ) { image, _, subset in
      images.append(((0..<4).map { image[$0 * 512] }, subset))
    }
    return images
  }

  @Test("takes all subsets of a few sectors, and each as garbage")
  func subsets() throws {
    let images = try Self.images([Self.write(0, 1), Self.write(1, 2, sectors: 2)])
    let subsets = images.filter { $0.subset.hasPrefix("sectors") }.map { $0.bytes }
    #expect(Set(subsets).count == 8 && subsets.count == 8)
    for first in [0, 1] as [UInt8] {
      for second in [0, 2] as [UInt8] {
        for third in [0, 2] as [UInt8] { #expect(subsets.contains([first, second, third, 0])) }
      }
    }
    #expect(images.count == 8 + 2 * 3)
  }

  @Test("keeps each version of a sector that is written twice, and nothing behind a flush")
  func versions() throws {
    let twice = try Self.images([Self.write(0, 1), Self.write(0, 2)]).filter { $0.subset.hasPrefix("sectors") }
    #expect(twice.map { $0.bytes[0] } == [0, 1, 2])
    #expect(try Self.images([Self.write(0, 1), .flush]).map { $0.bytes[0] } == [1])
    // A lost flush keeps what it kept.
    let kept = SectorBytes(sector: 1, bytes: [UInt8](repeating: 7, count: 512))
    #expect(
      try Self.images([Self.write(0, 1), Self.write(1, 2), .lost(kept: [kept])]).map { $0.bytes } == [[0, 7, 0, 0]])
  }

  @Test("takes growth that was not flushed away, and with it what was written there")
  func growth() throws {
    var sizes: [Int: Int] = [:]
    try CrashEnumerator().forEachCandidate(
      from: CrashImage([UInt8](repeating: 0, count: 1024)), [.grow(byteCount: 1024), Self.write(0, 1, sectors: 3)],
      points: 2..<3
    ) { sizes[$0.makeImage().allBytes.count, default: 0] += $0.subset.description.hasPrefix("sectors") ? 1 : 0 }
    #expect(sizes == [1024: 4, 2048: 8])
  }

  @Test("samples many sectors: whole writes, tears, singles, ends, random masks")
  func samples() throws {
    let events = [Self.write(0, 1, sectors: 10), Self.write(10, 2, sectors: 10)]
    var names: Set<String> = []
    try CrashEnumerator().forEachImage(initial: [UInt8](repeating: 0, count: 16384), events: events, points: 2..<3) {
      names.insert($2.split(separator: "-").first.map(String.init) ?? "")
      _ = ($0, $1)
    }
    #expect(
      names == [
        "writes", "front", "back", "only", "without", "onlyend", "withoutend", "random", "garbage", "garbagealone",
      ])
  }

  @Test("gives equal images equal hashes, and others others", arguments: TestSeeds.list(count: 4))
  func hashes(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var events: [SimulatedMemory.Event] = []
    for _ in 0..<8 {
      switch random.below(6) {
      case 0: events.append(.flush)
      case 1: events.append(.grow(byteCount: 512))
      default: events.append(.write(offset: random.below(7000), bytes: random.bytes(1 + random.below(700))))
      }
    }
    var enumerator = CrashEnumerator.quick
    (enumerator.seed, enumerator.exhaustiveSectorCount, enumerator.randomMaskCount) = (seed, 3, 4)
    var known: [UInt64: [UInt8]] = [:]
    try enumerator.forEachCandidate(from: CrashImage([UInt8](repeating: 0, count: 8192)), events) { candidate in
      let image = candidate.makeImage()
      let bytes = image.allBytes
      #expect(image.hash == candidate.hash && CrashImage(bytes).hash == candidate.hash)
      #expect(known[candidate.hash] == nil || known[candidate.hash] == bytes)
      #expect(SimulatedMemory(image).visibleImage == bytes)
      known[candidate.hash] = bytes
    }
    #expect(Set(known.values).count == known.count)
  }
}
