/// How far a long command is, on a terminal's last line; nothing at all when standard error is no terminal.
final class ProgressBar {
  private let title: String
  private let isShown: Bool
  private let started = SteadyClock.now
  private var total: UInt64?
  private var done: UInt64 = 0
  private var shownAt: UInt64 = 0

  /// Nanoseconds between two pictures.
  private static let interval: UInt64 = 100_000_000

  /// A bar for work on `total` bytes; without a total it shows the amount alone.
  init(_ title: String, total: UInt64? = nil, isShown: Bool = Terminal.hasErrorStream) {
    self.title = title
    self.total = total
    self.isShown = isShown
  }

  /// Whether anybody sees it: only then is it worth finding out the total.
  var isVisible: Bool { isShown }

  /// Says how many bytes there are to do.
  func setTotal(_ total: UInt64) {
    self.total = total
  }

  /// Counts work that was done.
  func advance(by byteCount: UInt64) {
    done &+= byteCount
    guard isShown else { return }
    let now = SteadyClock.now
    guard now &- shownAt >= Self.interval else { return }
    shownAt = now
    StandardError.write(
      "\r" + Self.picture(title, done: done, total: total, seconds: seconds(now), width: Terminal.columnCount))
  }

  /// Says where the work stands, counted from its start.
  func show(done: UInt64, total: UInt64) {
    self.total = total
    let step = done &- self.done
    advance(by: step)
  }

  /// Wipes the line, so that other text starts on a clean one; the next step shows the bar again.
  func clear() {
    guard isShown, shownAt != 0 else { return }
    StandardError.write("\r\u{1B}[K")
    shownAt = 0
  }

  private func seconds(_ now: UInt64) -> Double {
    Double(now &- started) / 1e9
  }

  /// The line: title, bar, share, amount, speed; never wider than the terminal.
  static func picture(_ title: String, done: UInt64, total: UInt64?, seconds: Double, width: Int) -> String {
    let speed = seconds > 0.2 ? ByteSize.text(UInt64(Double(done) / seconds)) + "/s" : ""
    guard let total, total > 0 else {
      return padded("\(title)  \(ByteSize.text(done))  \(speed)", width)
    }
    let share = min(1, Double(done) / Double(total))
    // Columns of one width, so that the bar keeps its length.
    let amount = "\(Text.right(ByteSize.text(done), 10)) of \(ByteSize.text(total))"
    let figures = "\(Text.right(String(Int(share * 100)), 3))%\(amount)\(Text.right(speed, 14))"
    let cells = min(40, width - title.count - figures.count - 6)
    guard cells >= 5 else { return padded("\(title)  \(figures)", width) }
    let full = Int(share * Double(cells))
    let bar = String(repeating: "#", count: full) + String(repeating: "-", count: cells - full)
    return padded("\(title) [\(bar)] \(figures)", width)
  }

  /// One column stays free, so that no terminal wraps the line; the rest is wiped with spaces.
  private static func padded(_ text: String, _ width: Int) -> String {
    Text.left(String(text.prefix(max(0, width - 1))), max(0, width - 1))
  }
}
