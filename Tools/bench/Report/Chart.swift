internal import Foundation

/// A chart for the README: how fast Cairn is beside the fastest other store, for each phase.
struct Chart {
  let results: [PhaseResult]

  /// The picture, as SVG.
  var svg: String {
    let bars = results.compactMap { result -> (label: String, peer: String, ratio: Double)? in
      guard let peer = result.bestPeer, let ratio = result.ratio(to: peer) else { return nil }
      return ("\(result.workload.rawValue) \(result.phase.name)", peer.rawValue, ratio)
    }
    let (left, row, width) = (170.0, 24.0, 420.0)
    let most = max(2, bars.map { $0.ratio }.max() ?? 2)
    func x(_ ratio: Double) -> Double { left + width * min(ratio, most) / most }
    let height = row * Double(bars.count) + 60
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\"\(Int(height))\" font-family=\"sans-serif\" font-size=\"13\">",
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
      "<text x=\"10\" y=\"22\" font-weight=\"bold\">Cairn's speed beside the fastest of the other stores (1 = as fast)</text>",
    ]
    for (index, bar) in bars.enumerated() {
      let y = 36 + row * Double(index)
      let color = bar.ratio >= 1 ? "#2a7f62" : "#b5653a"
      lines.append("<text x=\"\(Int(left) - 8)\" y=\"\(Int(y) + 14)\" text-anchor=\"end\">\(bar.label)</text>")
      lines.append(
        String(
          format: "<rect x=\"%.0f\" y=\"%.0f\" width=\"%.1f\" height=\"16\" fill=\"%@\"/>", left, y + 2,
          x(bar.ratio) - left, color))
      lines.append(
        String(
          format: "<text x=\"%.1f\" y=\"%.0f\">%.2f of %@</text>", x(bar.ratio) + 6, y + 14, bar.ratio, bar.peer))
    }
    lines.append(
      String(
        format: "<line x1=\"%.1f\" y1=\"32\" x2=\"%.1f\" y2=\"%.0f\" stroke=\"#555\" stroke-dasharray=\"4 3\"/>", x(1),
        x(1), height - 20))
    lines.append("</svg>")
    return lines.joined(separator: "\n") + "\n"
  }
}
