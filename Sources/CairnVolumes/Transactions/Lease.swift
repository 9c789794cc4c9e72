/// How long a multi-call transaction may wait for its next call. Each call that stages something renews it.
public struct Lease: Hashable, Sendable {
  /// The length.
  public let nanoseconds: UInt64

  /// A lease of so many nanoseconds.
  public static func nanoseconds(_ count: UInt64) -> Lease { Lease(nanoseconds: count) }
  /// A lease of so many milliseconds.
  public static func milliseconds(_ count: UInt64) -> Lease { Lease(count, of: 1_000_000) }
  /// A lease of so many seconds.
  public static func seconds(_ count: UInt64) -> Lease { Lease(count, of: 1_000_000_000) }
  /// A lease of so many minutes.
  public static func minutes(_ count: UInt64) -> Lease { Lease(count, of: 60_000_000_000) }
  /// A lease of so many hours.
  public static func hours(_ count: UInt64) -> Lease { Lease(count, of: 3_600_000_000_000) }
  /// A lease of so many days.
  public static func days(_ count: UInt64) -> Lease { Lease(count, of: 86_400_000_000_000) }

  /// Ten minutes.
  public static let standard = Lease.minutes(10)

  private init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  private init(_ count: UInt64, of unit: UInt64) {
    let (product, overflow) = count.multipliedReportingOverflow(by: unit)
    nanoseconds = overflow ? .max : product
  }

  /// When a lease that begins now ends.
  func end(from time: UInt64) -> UInt64 {
    let (sum, overflow) = time.addingReportingOverflow(nanoseconds)
    return overflow ? .max : sum
  }
}
