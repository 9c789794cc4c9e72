#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The seeds of a seeded test: fixed ones by default, one of your choice through the environment.
public enum TestSeeds {
  /// `1...count`, or the single seed in `CAIRN_SEED`; `CAIRN_SEEDS` sets another count.
  public static func list(count: Int) -> [UInt64] {
    if let text = variable("CAIRN_SEED"), let seed = UInt64(text) { return [seed] }
    let wanted = variable("CAIRN_SEEDS").flatMap { Int($0) } ?? count
    return (1...UInt64(max(1, wanted))).map { $0 }
  }

  private static func variable(_ name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    return unsafe String(cString: value)
  }
}
