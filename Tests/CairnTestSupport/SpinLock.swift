import CairnMemory

/// A mutual exclusion for tests.
public final class SpinLock: @unchecked Sendable {
  private let inner = Lock()
  public init() {}
  public func lock() { inner.lock() }
  public func unlock() { inner.unlock() }
  public func with<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    inner.lock()
    defer { inner.unlock() }
    return try body()
  }
}
