#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

#if canImport(Glibc) || canImport(Musl) || canImport(Darwin)
  /// A mutual exclusion lock of the system. Not recursive.
  @safe
  package final class Lock: @unchecked Sendable {
    fileprivate let mutex: UnsafeMutablePointer<pthread_mutex_t>

    /// An unlocked lock.
    package init() {
      unsafe mutex = .allocate(capacity: 1)
      unsafe mutex.initialize(to: pthread_mutex_t())
      let status = unsafe pthread_mutex_init(mutex, nil)
      precondition(status == 0, "the system could not make a lock")
    }

    deinit {
      unsafe pthread_mutex_destroy(mutex)
      unsafe mutex.deinitialize(count: 1)
      unsafe mutex.deallocate()
    }

    /// Waits until no one else holds the lock, and takes it.
    package func lock() {
      let status = unsafe pthread_mutex_lock(mutex)
      precondition(status == 0, "a lock could not be taken")
    }

    /// Gives the lock back; only the thread that took it may.
    package func unlock() {
      let status = unsafe pthread_mutex_unlock(mutex)
      precondition(status == 0, "a lock could not be given back")
    }
  }

  /// Lets threads wait for something that other threads bring about under a ``Lock``.
  @safe
  package final class Condition: @unchecked Sendable {
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    /// A condition that no one waits for.
    package init() {
      unsafe condition = .allocate(capacity: 1)
      unsafe condition.initialize(to: pthread_cond_t())
      let status = unsafe pthread_cond_init(condition, nil)
      precondition(status == 0, "the system could not make a condition")
    }

    deinit {
      unsafe pthread_cond_destroy(condition)
      unsafe condition.deinitialize(count: 1)
      unsafe condition.deallocate()
    }

    /// Gives `lock` back, sleeps until woken, and takes it again. It may wake for no reason: check and wait again.
    package func wait(for lock: Lock) {
      let status = unsafe pthread_cond_wait(condition, lock.mutex)
      precondition(status == 0, "waiting on a condition failed")
    }

    /// Wakes one that waits.
    package func signal() {
      unsafe pthread_cond_signal(condition)
    }

    /// Wakes all that wait.
    package func broadcast() {
      unsafe pthread_cond_broadcast(condition)
    }
  }
#else
  /// The lock of a place with one thread: a check that nobody takes it twice.
  package final class Lock: @unchecked Sendable {
    private var isHeld = false

    /// An unlocked lock.
    package init() {}

    /// Takes the lock.
    package func lock() {
      precondition(!isHeld, "a lock was taken twice by the only thread")
      isHeld = true
    }

    /// Gives the lock back.
    package func unlock() {
      isHeld = false
    }
  }

  /// The condition of a place with one thread: nobody else could ever bring it about.
  package final class Condition: @unchecked Sendable {
    /// A condition that no one waits for.
    package init() {}

    /// Must not be reached: the only thread would sleep for ever.
    package func wait(for lock: Lock) {
      preconditionFailure("the only thread would wait for itself")
    }

    /// Wakes nobody.
    package func signal() {}

    /// Wakes nobody.
    package func broadcast() {}
  }
#endif

extension Lock {
  /// Runs `body` while holding the lock.
  @inlinable
  package func withLock<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
    lock()
    defer { unlock() }
    return try body()
  }
}

/// Tells threads apart, so that one that would wait for itself gets an error instead.
package enum CurrentThread {
  /// A number other than 0 that no other running thread has.
  package static var number: UInt {
    #if canImport(Darwin)
      unsafe UInt(bitPattern: pthread_self())
    #elseif canImport(Glibc) || canImport(Musl)
      UInt(pthread_self())
    #else
      1
    #endif
  }
  /// Lets other threads run that are ready to, if there are any.
  package static func yield() {
    #if canImport(Glibc) || canImport(Musl) || canImport(Darwin)
      _ = sched_yield()
    #endif
  }
}
