import CairnTestSupport

/// Which traces a suite takes, in which order: all of one and two operations first, then those of three and random long ones in
/// turn, in an order that the seed decides.
struct TracePlan {
  let letters: [Character]
  let shapes: [String]
  let randomLengths: ClosedRange<Int>
  let seed: UInt64

  /// Sequences of up to three operations, for each shape.
  var exhaustiveCount: Int { shapes.count * (shortCount + letters.count * letters.count * letters.count) }
  /// Those of one and two.
  private var shortCount: Int { letters.count + letters.count * letters.count }

  /// The trace with a number.
  func replay(_ suite: String, _ index: Int) -> ReplayString {
    let short = shapes.count * shortCount
    if index < short {
      return name(suite, shapes[index % shapes.count], sequence(index / shapes.count)).with("from", "last")
    }
    let number = index - short
    let count = exhaustiveCount - short
    let ordinal = number - number / Self.period - 1
    if number % Self.period == 0 || ordinal >= count { return random(suite, number) }
    // A walk over all of them in which neighbours are far apart.
    let place = Int((UInt64(ordinal) &* coprime(to: UInt64(count)) &+ mix(seed) % UInt64(count)) % UInt64(count))
    return name(suite, shapes[place % shapes.count], sequence(shortCount + place / shapes.count)).with("from", "last")
  }

  /// One of as many traces is a random long one.
  private static let period = 24

  private func coprime(to count: UInt64) -> UInt64 {
    var step = mix(seed ^ 0x57E9) % count | 1
    while gcd(step, count) != 1 { step += 2 }
    return step
  }

  private func gcd(_ a: UInt64, _ b: UInt64) -> UInt64 { b == 0 ? a : gcd(b, a % b) }

  private func name(_ suite: String, _ shape: String, _ trace: String) -> ReplayString {
    ReplayString(suite).with("shape", shape).with("seed", 1).with("trace", trace)
  }

  private func random(_ suite: String, _ number: Int) -> ReplayString {
    var random = SeededGenerator(seed: mix(seed &+ UInt64(number) &* 0xABCDEF))
    let count = randomLengths.lowerBound + random.below(randomLengths.count)
    let trace = String((0..<count).map { _ in letters[random.below(letters.count)] })
    return ReplayString(suite).with("shape", shapes[random.below(shapes.count)]).with("seed", random.next() >> 32).with(
      "trace", trace)
  }

  /// The sequence with a number: first those of one letter, then of two, of three.
  private func sequence(_ number: Int) -> String {
    var number = number
    var length = 1
    var count = letters.count
    while number >= count {
      number -= count
      length += 1
      count *= letters.count
    }
    var sequence = ""
    for _ in 0..<length {
      sequence.append(letters[number % letters.count])
      number /= letters.count
    }
    return sequence
  }

  /// Shorter traces that may fail like this one: without a half, a quarter, ... down to one operation.
  static func shorter(_ replay: ReplayString) -> [ReplayString] {
    guard let trace = replay["trace"].map(Array.init), trace.count > 1 else { return [] }
    var whole = replay
    whole["at"] = nil
    whole["from"] = nil
    var candidates: [ReplayString] = []
    var size = trace.count / 2
    while size >= 1 {
      var start = 0
      while start < trace.count {
        let rest = trace[..<start] + trace[min(start + size, trace.count)...]
        if !rest.isEmpty { candidates.append(whole.with("trace", String(rest))) }
        start += size
      }
      size /= 2
    }
    return candidates
  }
}
