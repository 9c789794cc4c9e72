internal import CFlushCounter
internal import Foundation

/// What this process has used so far.
struct ProcessFigures {
  /// Processor time of all threads, seconds.
  var processorSeconds: Double
  /// Bytes handed to write calls.
  var writtenByteCount: UInt64
  /// Calls that make a file durable.
  var flushCount: UInt64
  /// The most memory it has had, bytes.
  var peakByteCount: UInt64

  static func now() -> ProcessFigures {
    var usage = rusage()
    _ = unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return ProcessFigures(
      processorSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
      writtenByteCount: field("wchar", of: "/proc/self/io"),
      flushCount: flush_counter_value(),
      peakByteCount: field("VmHWM", of: "/proc/self/status") << 10)
  }

  private static func field(_ name: String, of path: String) -> UInt64 {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return 0 }
    for line in text.split(separator: "\n") where line.hasPrefix(name + ":") {
      return line.dropFirst(name.count + 1).split(whereSeparator: { $0 == " " || $0 == "\t" }).first.flatMap {
        UInt64($0)
      } ?? 0
    }
    return 0
  }
}

/// A clock that only goes forward, in nanoseconds.
func monotonicNanoseconds() -> UInt64 {
  var time = timespec()
  _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
