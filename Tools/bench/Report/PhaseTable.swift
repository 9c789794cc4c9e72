internal import Foundation

/// A phase as a table for people, and as lines for programs.
struct PhaseTable {
  let result: PhaseResult

  private func text(_ value: Double?, digits: Int = 2) -> String {
    guard let value else { return "-" }
    return String(format: "%.\(digits)f", value)
  }

  private func rate(_ value: Double) -> String {
    value >= 1e6
      ? String(format: "%.2fM", value / 1e6) : value >= 1e4 ? String(format: "%.1fk", value / 1e3) : text(value)
  }

  /// The lines of the table.
  var lines: [String] {
    let phase = result.phase
    var lines = ["\(result.workload.rawValue) \(phase.name): \(result.workload.summary)"]
    let head = [
      "", "\(phase.unit)/s", "CPU us", "flushes", "written", "peak MB", "cairn is", "spread", "in the mean",
    ]
    lines.append(row(head))
    for engine in result.engines {
      var spread = "", ratio = "", mean = ""
      if engine != .cairn, let median = result.ratio(to: engine), let low = result.ratio(to: engine, quantile: 0.1),
        let high = result.ratio(to: engine, quantile: 0.9)
      {
        ratio = "x" + text(median)
        spread = "\(text(low))-\(text(high))"
        mean = "x" + text(result.meanRatio(to: engine))
      }
      lines.append(
        row([
          engine.rawValue, rate(result.medianRate(engine)), text(result.processorMicroseconds(engine)),
          text(result.flushesPerCommit(engine)), text(result.writtenPerUserByte(engine)),
          text(result.peakByteCount(engine).map { $0 / 1e6 }, digits: 0), ratio, spread, mean,
        ]))
    }
    return lines
  }

  private func row(_ cells: [String]) -> String {
    let widths = [10, 11, 9, 8, 8, 8, 9, 12, 12]
    return zip(cells, widths).enumerated().map { index, pair in
      let padding = String(repeating: " ", count: max(0, pair.1 - pair.0.count))
      return index == 0 ? pair.0 + padding : padding + pair.0
    }.joined(separator: " ")
  }

  /// One object for each figure.
  var objects: [String] {
    var objects: [String] = []
    for engine in result.engines {
      func add(_ metric: String, _ value: Double?) {
        guard let value else { return }
        objects.append(
          "{\"workload\":\"\(result.workload.rawValue) \(result.phase.name)\",\"peer\":\"\(engine.rawValue)\","
            + "\"metric\":\"\(metric)\",\"value\":\(value)}")
      }
      add("\(result.phase.unit) per second", result.medianRate(engine))
      add("CPU microseconds", result.processorMicroseconds(engine))
      add("flushes per commit", result.flushesPerCommit(engine))
      add("written per user byte", result.writtenPerUserByte(engine))
      add("peak bytes", result.peakByteCount(engine))
      guard engine != .cairn else { continue }
      add("cairn's speed, median ratio", result.ratio(to: engine))
      add("cairn's speed, 10th percentile of ratios", result.ratio(to: engine, quantile: 0.1))
      add("cairn's speed, 90th percentile of ratios", result.ratio(to: engine, quantile: 0.9))
      add("cairn's speed, ratio of the means", result.meanRatio(to: engine))
    }
    return objects
  }
}
