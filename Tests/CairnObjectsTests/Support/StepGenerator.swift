import CairnTestSupport

@testable import CairnObjects

/// Makes steps out of a seed, most of them about things that are there.
struct StepGenerator {
  var random: SeededGenerator
  /// Whether some objects are larger than a run.
  var makesLargeObjects: Bool
  /// The longest key that the store takes.
  var keyByteCountMax: Int

  static let bucketNames = ["a", "b", "\u{E4}"]
  static let keyParts = ["", "x", "y", "/", "long-\(String(repeating: "z", count: 90))"]

  mutating func chance(_ one: Int) -> Bool { random.below(one) == 0 }

  mutating func pick<Element>(_ list: [Element]) -> Element { list[random.below(list.count)] }

  mutating func key(_ model: ObjectModel, _ bucket: String) -> [UInt8] {
    let known = model.keys(bucket)
    if !known.isEmpty, !chance(3) { return pick(known) }
    if chance(40) { return [UInt8](repeating: UInt8(random.below(256)), count: keyByteCountMax) }
    if chance(20) { return random.bytes(1 + random.below(6)) }
    let text = pick(Self.keyParts) + pick(["/", "x", "/x"]) + pick(Self.keyParts)
    return Array(text.utf8.prefix(keyByteCountMax))
  }

  mutating func contents() -> [UInt8] {
    let size =
      switch random.below(20) {
      case 0: 0
      case 1...9: random.below(60)
      case 10...13: 700 + random.below(500)
      case 14...16: 3000 + random.below(3000)
      case 17...18: 60_000 + random.below(12_000)
      default: makesLargeObjects ? 1_000_000 + random.below(200_000) : random.below(20_000)
      }
    return CairnObjectsTests.contents(size, seed: UInt8(random.below(100)))
  }

  mutating func conditions(_ model: ObjectModel, _ bucket: String, _ key: [UInt8]) -> ObjectConditions {
    guard chance(3) else { return .none }
    let object = model.buckets[bucket]?[key]
    let tag = object?.etag ?? "other"
    let match: ETagMatch = chance(3) ? .any : .tags(chance(2) ? [tag] : ["other", "another"])
    let time = (object?.modified ?? 0) &+ UInt64(random.below(3)) &* 1_000_000_000 &- 1_000_000_000
    switch random.below(5) {
    case 0: return ObjectConditions(ifMatch: match)
    case 1: return ObjectConditions(ifNoneMatch: match)
    case 2: return ObjectConditions(ifModifiedSince: time)
    case 3: return ObjectConditions(ifUnmodifiedSince: time)
    default: return ObjectConditions(ifMatch: .tags([tag]), ifUnmodifiedSince: time)
    }
  }

  mutating func options() -> ObjectOptions {
    switch random.below(6) {
    case 0: ObjectOptions(contentType: "text/plain", etag: "given-\(random.below(5))")
    case 1: ObjectOptions(metadata: ["k": "v", "l": String(repeating: "w", count: random.below(3000))])
    default: ObjectOptions()
    }
  }

  mutating func range(_ size: Int) -> ObjectRange? {
    switch random.below(6) {
    case 0: .from(UInt64(random.below(size + 2)))
    case 1: .last(UInt64(random.below(size + 2)))
    case 2, 3:
      {
        let lower = UInt64(random.below(size + 2))
        return .bytes(lower..<lower + UInt64(random.below(size + 2)))
      }()
    default: nil
    }
  }

  mutating func query() -> ObjectQuery {
    var query = ObjectQuery(limit: chance(2) ? 1000 : 1 + random.below(4))
    if chance(2) { query.prefix = Array((pick(Self.keyParts) + pick(["", "/"])).utf8) }
    if chance(2) { query.delimiter = Array(pick(["/", "x", "//"]).utf8) }
    if chance(3) { query.startAfter = Array((pick(Self.keyParts) + pick(["", "/", "y"])).utf8) }
    return query
  }

  /// A step that looks.
  mutating func read(_ model: ObjectModel) -> Step {
    let bucket = pick(Self.bucketNames)
    let key = key(model, bucket)
    switch random.below(8) {
    case 0: return .buckets
    case 1, 2: return .find(bucket, key)
    case 3, 4: return .list(bucket, query())
    default:
      return .get(
        bucket, key, range(model.buckets[bucket]?[key]?.bytes.count ?? 0), conditions(model, bucket, key))
    }
  }

  /// Any step.
  mutating func step(_ model: ObjectModel) -> Step {
    let bucket = pick(Self.bucketNames)
    let key = key(model, bucket)
    switch random.below(24) {
    case 0, 1: return .createBucket(bucket, ifMissing: chance(2))
    case 2: return .deleteBucket(bucket)
    case 3...10:
      return .put(
        bucket, key, Step.Contents(bytes: contents(), isStreamed: chance(3)), options(),
        conditions(model, bucket, key))
    case 11, 12:
      let target = pick(Self.bucketNames)
      let copy = self.key(model, target)
      return .copy(
        from: bucket, key, to: target, copy, conditions(model, target, copy), source: conditions(model, bucket, key))
    case 13...16: return .delete(bucket, key, conditions(model, bucket, key))
    default: return read(model)
    }
  }
}
