import CairnBytes
import CairnFuzz
import CairnTestSupport

/// The fuzz targets, fed from a seed: the same targets that libFuzzer feeds, without a special build.
struct FuzzSuite: IsolatedSuite {
  let name = "fuzz"
  let summary = "changed images, journals, tree nodes and records: a value or an error, never a trap or a hang"
  let seconds = 60.0
  let floors = ["inputs": 100_000]
  let countName = "inputs"

  /// Inputs of a group, by target: each about a second.
  private static let groupSizes: [FuzzTarget: Int] = [
    .image: 1000, .journal: 1000, .nodes: 1000, .codecs: 20_000, .maps: 500, .tables: 300, .rows: 20_000,
  ]
  /// The targets in the order in which groups take them: what costs more comes more often.
  private static let order: [FuzzTarget] = [
    .image, .journal, .nodes, .tables, .codecs, .maps, .rows, .image, .journal, .nodes, .tables, .image,
  ]

  func groupCount(isDeep: Bool) -> Int { .max }

  func group(_ index: Int, seed: UInt64) -> ReplayString {
    ReplayString(name).with("target", Self.order[index % Self.order.count].rawValue).with("seed", seed)
      .with("group", index)
  }

  func cases(of group: ReplayString) throws -> CaseGroup {
    guard let target = FuzzTarget(rawValue: try group.text("target")) else {
      throw LabError("no such target: \(group)")
    }
    if let input = group["input"] {
      guard let bytes = Hexadecimal.bytes(input) else { throw LabError("\(input) is not hexadecimal") }
      return CaseGroup(count: 1) { _ in
        try target.run(bytes)
        return XXHash64.digest(bytes.span)
      }
    }
    let start = try group.unsigned("seed") &* 0x9E37_79B9_7F4A_7C15 ^ group.unsigned("group") << 20
    return CaseGroup(count: Self.groupSizes[target] ?? 1000) { index in
      let input = Self.input(start &+ UInt64(index))
      do { try target.run(input) } catch {
        throw CaseFailure(replay: Self.name(target, input), message: "\(error)")
      }
      return XXHash64.digest(input.span, seed: XXHash64.digest(Array(target.rawValue.utf8).span))
    }
  }

  private static func input(_ seed: UInt64) -> [UInt8] {
    var random = SeededGenerator(seed: seed)
    return random.fuzzInput()
  }

  private static func name(_ target: FuzzTarget, _ input: [UInt8]) -> ReplayString {
    ReplayString("fuzz").with("target", target.rawValue).with("input", Hexadecimal.text(input)).with("case", 0)
  }

  /// Shorter inputs, and simpler ones. (An input that ends the process is not made smaller: the process would end.)
  func shorter(_ replay: ReplayString) -> [ReplayString] {
    guard let bytes = replay["input"].flatMap(Hexadecimal.bytes), let word = replay["target"],
      let target = FuzzTarget(rawValue: word)
    else { return [] }
    var candidates: [[UInt8]] = []
    for part in [2, 4, 8] where bytes.count >= part { candidates.append(Array(bytes.dropLast(bytes.count / part))) }
    for index in bytes.indices.reversed() {
      var copy = bytes
      copy.remove(at: index)
      candidates.append(copy)
      if bytes[index] != 0 {
        copy = bytes
        copy[index] = 0
        candidates.append(copy)
      }
    }
    return candidates.map { Self.name(target, $0) }
  }
}

/// Bytes as digits.
enum Hexadecimal {
  static func text(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  static func bytes(_ text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count % 2 == 0 else { return nil }
    return stride(from: 0, to: digits.count, by: 2).reduce(into: [UInt8]?([])) { bytes, index in
      guard let byte = UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16) else {
        bytes = nil
        return
      }
      bytes?.append(byte)
    }
  }
}
