#if arch(wasm32)
  /// Addresses as the System API takes them. No bytes have no address; the replica does not look at it then.
  enum SystemAddress {
    static func narrow(_ pointer: UnsafeRawPointer?) -> UInt32 {
      UInt32(truncatingIfNeeded: Int(bitPattern: pointer))
    }

    static func wide(_ pointer: UnsafeRawPointer?) -> UInt64 { unsafe UInt64(narrow(pointer)) }
  }
#endif
