#if arch(wasm32)
  import CSystemAPI

  /// The message that is executed: what came with it, and how it ends.
  public enum Message {
    /// Most bytes of a reply to an update.
    public static let replyByteCountMax = 2 << 20

    /// The bytes of the argument.
    public static func argument() -> [UInt8] {
      copied(count: ic0_msg_arg_data_size()) { ic0_msg_arg_data_copy($0, 0, $1) }
    }

    /// The principal that sent the message: at most 29 bytes.
    public static func caller() -> [UInt8] {
      copied(count: ic0_msg_caller_size()) { ic0_msg_caller_copy($0, 0, $1) }
    }

    private static func copied(count: UInt32, _ copy: (_ target: UInt32, _ size: UInt32) -> Void) -> [UInt8] {
      unsafe [UInt8](unsafeUninitializedCapacity: Int(count)) { buffer, initializedCount in
        if count > 0 { unsafe copy(SystemAddress.narrow(buffer.baseAddress), count) }
        initializedCount = Int(count)
      }
    }

    /// Answers. A message is answered once.
    public static func reply(_ bytes: [UInt8]) {
      unsafe bytes.withUnsafeBytes { source in
        unsafe ic0_msg_reply_data_append(SystemAddress.narrow(source.baseAddress), UInt32(source.count))
      }
      ic0_msg_reply()
    }

    /// Ends the message with an error for the caller. The replica takes back everything that the message changed.
    public static func trap(_ text: String) -> Never {
      let bytes = Array(text.utf8)
      unsafe bytes.withUnsafeBytes { source in
        unsafe ic0_trap(SystemAddress.narrow(source.baseAddress), UInt32(source.count))
      }
      // The replica does not come back.
      preconditionFailure("the System API's trap returned")
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z, the same during a whole message.
    public static var time: UInt64 { ic0_time() }

    /// A number that grows with each message that changes the canister.
    public static var canisterVersion: UInt64 { ic0_canister_version() }

    /// Instructions that the message has taken so far, as the replica counts them.
    public static var instructionCount: UInt64 { ic0_performance_counter(0) }
  }
#endif
