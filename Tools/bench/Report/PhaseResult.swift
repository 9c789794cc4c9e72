/// What was measured of one phase, in all rounds.
struct PhaseResult {
  let workload: WorkloadKind
  let phase: Phase
  let engines: [EngineKind]
  /// Chunks of all rounds so far.
  var chunkCount = 0
  private var samples: [EngineKind: [Sample]] = [:]
  private var figures: [EngineKind: Figures] = [:]

  private struct Sample {
    var count = 0.0
    var seconds = 0.0
  }

  private struct Figures {
    var processorSeconds = 0.0
    var writtenByteCount = 0.0
    var flushCount = 0.0
    var peakByteCount = 0.0
  }

  init(workload: WorkloadKind, phase: Phase, engines: [EngineKind]) {
    self.workload = workload
    self.phase = phase
    self.engines = engines
  }

  mutating func add(_ engine: EngineKind, count: Double, seconds: Double, at chunk: Int) {
    while samples[engine, default: []].count <= chunk { samples[engine, default: []].append(Sample()) }
    samples[engine, default: []][chunk] = Sample(count: count, seconds: seconds)
  }

  /// What a worker said at the end of the phase.
  mutating func add(_ engine: EngineKind, _ numbers: [Double]) {
    guard numbers.count == 4 else { return }
    var all = figures[engine] ?? Figures()
    all.processorSeconds += numbers[0]
    all.writtenByteCount += numbers[1]
    all.flushCount += numbers[2]
    all.peakByteCount = max(all.peakByteCount, numbers[3])
    figures[engine] = all
  }

  // MARK: Figures

  private func total(_ engine: EngineKind) -> Double { (samples[engine] ?? []).reduce(0) { $0 + $1.count } }

  /// The median of the chunks, in units for each second.
  func medianRate(_ engine: EngineKind) -> Double {
    Self.quantile(0.5, (samples[engine] ?? []).filter { $0.seconds > 0 }.map { $0.count / $0.seconds })
  }

  /// How fast Cairn is beside an engine: the quantile of the ratios of neighbouring chunks.
  func ratio(to engine: EngineKind, quantile: Double = 0.5) -> Double? {
    guard let mine = samples[.cairn], let other = samples[engine], mine.count == other.count else { return nil }
    var ratios: [Double] = []
    for (left, right) in zip(mine, other) where left.seconds > 0 && right.seconds > 0 && right.count > 0 {
      ratios.append(left.count / left.seconds / (right.count / right.seconds))
    }
    return ratios.isEmpty ? nil : Self.quantile(quantile, ratios)
  }

  /// How fast Cairn is beside an engine over the whole phase, stalls included.
  func meanRatio(to engine: EngineKind) -> Double? {
    guard let mine = samples[.cairn], let other = samples[engine] else { return nil }
    let (left, right) = (mine.reduce(0) { $0 + $1.seconds }, other.reduce(0) { $0 + $1.seconds })
    guard left > 0, right > 0 else { return nil }
    return total(.cairn) / left / (total(engine) / right)
  }

  func processorMicroseconds(_ engine: EngineKind) -> Double? {
    figures[engine].map { $0.processorSeconds * 1e6 / total(engine) }
  }

  func flushesPerCommit(_ engine: EngineKind) -> Double? {
    guard phase.commitsEach > 0, let all = figures[engine] else { return nil }
    return all.flushCount / (total(engine) * phase.commitsEach)
  }

  func writtenPerUserByte(_ engine: EngineKind) -> Double? {
    guard phase.userByteCount > 0, let all = figures[engine] else { return nil }
    return all.writtenByteCount / (total(engine) * Double(phase.userByteCount))
  }

  func peakByteCount(_ engine: EngineKind) -> Double? { figures[engine]?.peakByteCount }

  /// The fastest of the stores beside Cairn.
  var bestPeer: EngineKind? {
    engines.filter { $0 != .cairn && $0 != .limit }.max { medianRate($0) < medianRate($1) }
  }

  private static func quantile(_ part: Double, _ values: [Double]) -> Double {
    guard !values.isEmpty else { return 0 }
    let sorted = values.sorted()
    return sorted[Int((part * Double(sorted.count - 1)).rounded())]
  }
}
