import CairnTestSupport
import Testing

@testable import CairnBlocks

@Suite("Dirty blocks")
struct DirtyBlocksTests {
  /// The same, with a search over all blocks in place of the heap.
  private struct Naive {
    struct Entry {
      var first: UInt64
      var after: UInt64?
      var isInBatch = false
      var isFreed = false
    }
    var entries: [UInt64: Entry] = [:]

    var oldest: UInt64 { entries.values.filter { !$0.isInBatch }.map { $0.first }.min() ?? .max }
    var owing: Int { entries.values.count { $0.first != .max } }
  }

  @Test("agree with a plain search", arguments: TestSeeds.list(count: 60))
  func model(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var dirty = DirtyBlocks()
    var naive = Naive()
    var sequence: UInt64 = 0
    /// Freed in memory, the commit not durable.
    var settling: [UInt64] = []
    var batch: [UInt64] = []
    for _ in 0..<300 {
      let block = UInt64(random.below(12))
      switch random.below(7) {
      case 0, 1, 2:
        // A commit changes a block that is not free.
        guard naive.entries[block]?.isFreed != true else { continue }
        sequence += 1
        dirty.change(block, sequence: sequence, isCreated: false)
        if var entry = naive.entries[block] {
          if entry.isInBatch && entry.after == nil { entry.after = sequence }
          naive.entries[block] = entry
        } else {
          naive.entries[block] = Naive.Entry(first: sequence)
        }
      case 3:
        // A batch begins with the oldest ones; of some the image is older than the newest change.
        guard batch.isEmpty else { continue }
        while batch.count < 3, let (oldest, first) = dirty.popOldest() {
          #expect(first == naive.entries[oldest]?.first && first == naive.oldest, "seed \(seed)")
          if random.below(5) == 0 || naive.entries[oldest]?.isFreed == true {
            dirty.putBack(oldest, firstChange: first)
            break
          }
          let after: UInt64? = random.below(3) == 0 ? first + 1 : nil
          dirty.beginBatch(oldest, firstChangeAfterImage: after)
          naive.entries[oldest]?.isInBatch = true
          naive.entries[oldest]?.after = after
          batch.append(oldest)
        }
      case 4:
        for done in batch {
          guard var entry = naive.entries[done] else {
            _ = dirty.endBatch(done)
            continue
          }
          entry.isInBatch = false
          let isClean: Bool
          if entry.first == .max {
            isClean = false
          } else if let after = entry.after {
            (entry.first, entry.after, isClean) = (after, nil, false)
          } else if entry.isFreed {
            (entry.first, isClean) = (.max, false)
          } else {
            isClean = true
          }
          naive.entries[done] = isClean ? nil : entry
          let becameClean = dirty.endBatch(done)
          #expect(becameClean == isClean, "seed \(seed)")
        }
        batch = []
      case 5:
        guard naive.entries[block]?.isFreed != true else { continue }
        dirty.markFreed(block)
        naive.entries[block, default: Naive.Entry(first: .max)].isFreed = true
        settling.append(block)
      default:
        // The freeing commits are durable; later nobody sees the blocks any more.
        for freed in settling {
          dirty.settleFreed(freed)
          naive.entries[freed]?.first = .max
          naive.entries[freed]?.after = nil
          if !batch.contains(freed) {
            dirty.forget(freed)
            naive.entries[freed] = nil
          }
        }
        settling = settling.filter { batch.contains($0) }
      }
      let oldest = dirty.oldestChange()
      #expect(oldest == naive.oldest && dirty.owingCount == naive.owing, "seed \(seed)")
      #expect(dirty.count == naive.entries.count && naive.entries.keys.allSatisfy { dirty[$0] != nil })
    }
  }

  @Test("forget what a created block owed in an earlier life")
  func created() {
    var dirty = DirtyBlocks()
    dirty.change(5, sequence: 10, isCreated: false)
    dirty.change(5, sequence: 20, isCreated: true)
    let oldest = dirty.oldestChange()
    #expect(oldest == 20 && dirty.owingCount == 1)
    let (first, second) = (dirty.popOldest(), dirty.popOldest())
    #expect(first?.firstChange == 20 && second == nil)
  }
}

@Suite("Values by block number")
struct BlockDictionaryTests {
  /// Few numbers, neighbours and multiples, so that runs collide and wrap around.
  @Test("are those of a plain dictionary", arguments: TestSeeds.list(count: 20))
  func lockstep(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var values = BlockDictionary<Int>()
    var naive: [UInt64: Int] = [:]
    let range = 1 << (3 + generator.below(6))
    let factor = UInt64(1) << UInt64(generator.below(40))
    for step in 0..<3000 {
      let block = UInt64(generator.below(range)) * factor
      if generator.below(2) == 0 {
        values[block] = step
        naive[block] = step
      } else if generator.below(2) == 0 {
        let removed = values.remove(block)
        #expect(removed == naive.removeValue(forKey: block))
      } else {
        values[block] = nil
        naive[block] = nil
      }
      let count = values.count
      #expect(count == naive.count && values.isEmpty == naive.isEmpty)
      if step % 50 == 0 {
        for number in 0..<range {
          let (mine, expected) = (values[UInt64(number) * factor], naive[UInt64(number) * factor])
          #expect(mine == expected, "block \(number) at step \(step)")
        }
      }
    }
  }
}

@Suite("Places of commits")
struct CommitPlacesTests {
  private static func place(_ sequence: UInt64, _ position: UInt64) -> JournalPlace {
    JournalPlace(position: position, sequence: sequence, previousChecksum: 0, epoch: 0)
  }

  @Test("are found by number and by position")
  func lookup() {
    var places = CommitPlaces()
    #expect(places[1] == nil && places.first(from: 0) == nil)
    for sequence in UInt64(10)..<4000 { places.append(Self.place(sequence, sequence * 3)) }
    #expect(places[9] == nil && places[10]?.position == 30 && places[3999]?.position == 11997 && places[4000] == nil)
    #expect(places.first(from: 0)?.sequence == 10 && places.first(from: 31)?.sequence == 11)
    #expect(places.first(from: 33)?.sequence == 11 && places.first(from: 11998) == nil)
    // Far enough that the list is moved together.
    places.drop(before: 9000)
    #expect(places[2999] == nil && places[3000]?.position == 9000 && places.first(from: 0)?.sequence == 3000)
    places.append(Self.place(4000, 12000))
    #expect(places[4000]?.position == 12000)
    places.drop(before: .max)
    #expect(places[4000] == nil && places.first(from: 0) == nil)
  }
}
