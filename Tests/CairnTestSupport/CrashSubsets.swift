/// Which of the unflushed sectors arrived: a name that is the same in each run.
public struct CrashSubset: Hashable, Sendable, CustomStringConvertible {
  enum Kind: Hashable, Sendable {
    case sectors(UInt64)
    case writes(UInt64)
    case front(write: Int, sectors: Int)
    case back(write: Int, sectors: Int)
    case only(Int)
    case without(Int)
    case onlyWrites(Int, Int)
    case withoutWrites(Int, Int)
    case firstWrites(Int)
    case lastWrites(Int)
    case onlyEnd(Int)
    case withoutEnd(Int)
    case garbage(Int)
    case garbageAlone(Int)
    case random(Int)
  }
  let kind: Kind
  /// Whether growth that was not flushed is not there.
  let isShort: Bool

  init(_ kind: Kind, isShort: Bool) {
    self.kind = kind
    self.isShort = isShort
  }

  public var description: String {
    let name =
      switch kind {
      case .sectors(let mask): "sectors-\(mask)"
      case .writes(let mask): "writes-\(mask)"
      case .front(let write, let count): "front-\(write)-\(count)"
      case .back(let write, let count): "back-\(write)-\(count)"
      case .only(let index): "only-\(index)"
      case .without(let index): "without-\(index)"
      case .onlyWrites(let one, let other): "onlywrites-\(one)-\(other)"
      case .withoutWrites(let one, let other): "withoutwrites-\(one)-\(other)"
      case .firstWrites(let count): "first-\(count)"
      case .lastWrites(let count): "last-\(count)"
      case .onlyEnd(let write): "onlyend-\(write)"
      case .withoutEnd(let write): "withoutend-\(write)"
      case .garbage(let index): "garbage-\(index)"
      case .garbageAlone(let index): "garbagealone-\(index)"
      case .random(let number): "random-\(number)"
      }
    return isShort ? name + "-short" : name
  }
}

/// The subsets of unflushed sectors that are taken at a point.
///
/// Sectors that a write leaves as they were count only as places for garbage. With s changed sectors and w writes:
///
/// - up to 4096 combinations (12 sectors, written once): all of them;
/// - else up to 12 writes: all subsets of whole writes, and 256 random masks of sectors;
/// - else: the first and the last n writes, each write and each pair of writes alone and missing, and 512 random masks;
/// - beyond all combinations, too: each write torn at each of its sectors, from both ends, the others whole; the last sector of
///   each write (where the commit record stands) alone and missing; each sector alone and missing;
/// - always: each sector as garbage, with all others new and with all others old.
struct CrashSubsets {
  private let policy: CrashEnumerator
  private let sectors: [Unflushed.Sector]
  private let writeCount: Int
  private let point: Int
  /// Sectors that may have arrived, by position: those inside the size.
  private let eligible: [Int]
  private let changed: [Int]

  init(_ policy: CrashEnumerator, _ unflushed: Unflushed, point: Int, sectorLimit: Int) {
    self.policy = policy
    self.point = point
    sectors = unflushed.sectors
    writeCount = unflushed.writeCount
    let inside = unflushed.sectors.indices.filter { unflushed.sectors[$0].old.sector < sectorLimit }
    eligible = inside
    changed = inside.filter { unflushed.sectors[$0].isChanged }
  }

  /// Calls `body` with each choice (a version number for each unflushed sector) and its name.
  mutating func forEach(_ body: ([Int], CrashSubset.Kind) throws -> Void) throws {
    let none = [Int](repeating: 0, count: sectors.count)
    var all = none
    for index in eligible { all[index] = sectors[index].versions.count }
    if combinationCount <= 1 << policy.exhaustiveSectorCount {
      try forEachCombination(none, body)
    } else {
      try forEachSample(none, all, body)
    }
    for index in eligible {
      var choice = all
      choice[index] = -1
      try body(choice, .garbage(index))
      choice = none
      choice[index] = -1
      try body(choice, .garbageAlone(index))
    }
  }

  private var combinationCount: Int {
    var count = 1
    for index in changed {
      count *= sectors[index].versions.count + 1
      if count > 1 << policy.exhaustiveSectorCount { return .max }
    }
    return count
  }

  private func forEachCombination(_ none: [Int], _ body: ([Int], CrashSubset.Kind) throws -> Void) throws {
    var choice = none
    for number in 0..<combinationCount {
      try body(choice, .sectors(UInt64(number)))
      // Counts on, the first sector's version being the lowest digit.
      for index in changed {
        if choice[index] < sectors[index].versions.count {
          choice[index] += 1
          break
        }
        choice[index] = 0
      }
    }
  }

  private func forEachSample(
    _ none: [Int], _ all: [Int], _ body: ([Int], CrashSubset.Kind) throws -> Void
  ) throws {
    let isManyWrites = writeCount > policy.exhaustiveWriteCount
    if isManyWrites {
      for count in 0...writeCount {
        try body(choice { $0 < count }, .firstWrites(count))
        try body(choice { $0 >= writeCount - count }, .lastWrites(count))
      }
      for one in 0..<writeCount {
        for other in one..<writeCount {
          try body(choice { $0 == one || $0 == other }, .onlyWrites(one, other))
          try body(choice { $0 != one && $0 != other }, .withoutWrites(one, other))
        }
      }
    } else {
      for mask in 0..<UInt64(1) << UInt64(writeCount) {
        try body(choice { mask >> UInt64($0) & 1 == 1 }, .writes(mask))
      }
    }
    for write in 0..<writeCount {
      let own = eligible.filter { index in sectors[index].versions.contains { $0.write == write } }
      for count in own.indices.dropFirst() {
        var front = all
        for index in own[count...] { front[index] = version(index) { $0 != write } }
        try body(front, .front(write: write, sectors: count))
        var back = all
        for index in own[..<count] { back[index] = version(index) { $0 != write } }
        try body(back, .back(write: write, sectors: own.count - count))
      }
      if let end = own.last {
        var only = none
        only[end] = all[end]
        try body(only, .onlyEnd(write))
        var without = all
        without[end] = version(end) { $0 != write }
        try body(without, .withoutEnd(write))
      }
    }
    for index in changed {
      var only = none
      only[index] = all[index]
      try body(only, .only(index))
      var without = all
      without[index] = 0
      try body(without, .without(index))
    }
    var random = SeededGenerator(seed: policy.seed ^ UInt64(point) &* 0x9E37_79B9_7F4A_7C15)
    for number in 0..<policy.randomMaskCount * (isManyWrites ? 2 : 1) {
      var mask = none
      for index in changed { mask[index] = random.below(sectors[index].versions.count + 1) }
      try body(mask, .random(number))
    }
  }

  /// The choice in which just some writes arrived.
  private func choice(_ arrived: (Int) -> Bool) -> [Int] {
    var choice = [Int](repeating: 0, count: sectors.count)
    for index in eligible { choice[index] = version(index, arrived) }
    return choice
  }

  /// The version of a sector after the last of its writes that arrived.
  private func version(_ index: Int, _ arrived: (Int) -> Bool) -> Int {
    (sectors[index].versions.lastIndex { arrived($0.write) } ?? -1) + 1
  }
}
