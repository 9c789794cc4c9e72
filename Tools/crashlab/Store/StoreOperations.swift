import CairnBlocks
import CairnDisks
import CairnMaps
import CairnObjects
import CairnTestSupport
import CairnVolumes

/// What the letters of a store trace do, to the store and to its model alike.
struct StoreOperations {
  /// Where the operation's choices come from: the same for the same place in a trace.
  var random: SeededGenerator

  /// The changes that a letter makes in one transaction; nil: the letter is no transaction.
  mutating func changes(_ letter: Character, _ state: StoreState) -> [StoreState.Change]? {
    switch letter {
    case "p": return [.put(objectKey(), bytes(40))]
    case "l": return [.put(objectKey(), bytes(3000))]
    case "o": return state.objects.keys.filter { !$0.hasPrefix("staged") }.sorted().map { .put($0, bytes(700)) }
    case "d": return pick(state.objects.keys).map { [.delete($0)] } ?? []
    case "M": return (0..<4).map { _ in .set(entryKey(), bytes(1 + random.below(300))) }
    case "D":
      let lower = random.below(6)
      return [.clear(from: "m\(lower)", to: "m\(lower + 2 + random.below(4))")]
    case "w":
      return [
        .write(random.below(StoreState.blockCount - 1), byte()),
        .write(random.below(StoreState.blockCount - 1), byte()),
      ]
    case "m": return [.put(objectKey(), bytes(900)), .write(0, byte()), .set(entryKey(), bytes(20))]
    default: return nil
    }
  }

  /// What a call stages: things that nothing but staging touches, so that transactions never conflict.
  mutating func staged() -> StoreState.Change {
    switch random.below(4) {
    case 0: .put("staged-\(random.below(4))", bytes(40))
    case 1: .put("staged-\(random.below(4))", bytes(2500))
    case 2: .set("staged-\(random.below(4))", bytes(100))
    default: .write(StoreState.blockCount - 1, byte())
    }
  }

  private mutating func objectKey() -> String { "object-\(random.below(5))" }
  private mutating func entryKey() -> String { "m\(random.below(9))" }
  private mutating func byte() -> UInt8 { UInt8(1 + random.below(255)) }
  private mutating func bytes(_ count: Int) -> [UInt8] { random.bytes(count) }

  private mutating func pick(_ keys: some Collection<String>) -> String? {
    let keys = keys.filter { !$0.hasPrefix("staged") }.sorted()
    return keys.isEmpty ? nil : keys[random.below(keys.count)]
  }
}

extension Transaction {
  /// Makes a change of the model.
  func make(_ change: StoreState.Change) throws(StorageError) {
    switch change {
    case .put(let key, let bytes): try bucket(StoreShape.bucket).put(ObjectKey(key), bytes)
    case .delete(let key): try bucket(StoreShape.bucket).delete(ObjectKey(key))
    case .set(let key, let bytes): try map(StoreShape.map).put(Array(key.utf8), bytes)
    case .clear(let lower, let upper):
      _ = try map(StoreShape.map).deleteRange(from: Array(lower.utf8), to: Array(upper.utf8))
    case .write(let block, let byte):
      try disk(StoreShape.disk).write(UInt64(block), [UInt8](repeating: byte, count: 512))
    }
  }
}
