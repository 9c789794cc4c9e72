#if !hasFeature(Embedded)
  /// The system calls that a ``FileMemory`` makes; the raw values are their names in errors.
  package enum FileOperation: String, Sendable {
    case open
    case inspect = "fstat"
    case lock = "flock"
    case allocate = "posix_fallocate"
    case truncate = "ftruncate"
    case read = "pread"
    case write = "pwrite"
    case flush = "fdatasync"
    case forgetCache = "posix_fadvise"
    case syncDirectory = "fsync"
  }

  /// What a test makes of one system call.
  package enum FileFault: Sendable {
    /// The call goes through.
    case pass
    /// The call fails with this `errno` and does nothing.
    case fail(Int32)
    /// A read or write moves at most this many bytes.
    case limit(Int)
  }

  /// Decides about every system call of one file. It runs on the calling thread, before the call.
  package typealias FileFaultPlan = @Sendable (FileOperation) -> FileFault
#endif
