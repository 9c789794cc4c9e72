#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Tells threads apart, so that one that would wait for itself gets an error instead.
package enum CurrentThread {
  /// A number other than 0 that no other running thread has.
  package static var number: UInt {
    #if canImport(Darwin)
      UInt(bitPattern: pthread_self())
    #elseif canImport(Glibc) || canImport(Musl)
      UInt(pthread_self())
    #else
      1
    #endif
  }
}
