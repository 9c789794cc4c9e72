import Foundation

/// What a suite showed.
struct SuiteResult {
  var suite: String
  var states: Int
  var distinct: Int
  var failures: Int
  var seconds: Double
  /// The suite's own counts.
  var others: [String: Int]
  var shortfalls: [(name: String, count: Int, floor: Int)]

  var isGood: Bool { failures == 0 && shortfalls.isEmpty }

  /// The line for people.
  var line: String {
    let columns = [
      suite.padding(toLength: 14, withPad: " ", startingAt: 0), right("\(states)", 11) + " states",
      right("\(distinct)", 11) + " distinct", right(String(format: "%.1f", seconds), 8) + " s",
      right("\(failures)", 4) + " failures",
    ]
    let more = others.sorted { $0.key < $1.key }.map { "  \($0.key) \($0.value)" }.joined()
    let short = shortfalls.map { "  BELOW THE FLOOR: \($0.name) \($0.count) of \($0.floor)" }.joined()
    return columns.joined(separator: " ") + more + short
  }

  private func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  /// One object: `suite, states, distinct, failures, seconds`, then the suite's own counts.
  var json: String {
    let own = others.sorted { $0.key < $1.key }.map { ",\"\($0.key)\":\($0.value)" }.joined()
    return "{\"suite\":\"\(suite)\",\"states\":\(states),\"distinct\":\(distinct),\"failures\":\(failures),"
      + "\"seconds\":\(String(format: "%.1f", seconds))\(own)}"
  }
}
