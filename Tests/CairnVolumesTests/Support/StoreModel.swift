import CairnBlocks
import CairnVolumes

/// What a store of notes must do, in the plainest words: dictionaries, and transactions as lists.
struct StoreModel {
  /// One thing that a program does in a call.
  enum Action: Equatable, CustomStringConvertible {
    case put(String, String, [UInt8])
    case remove(String, String)
    case get(String, String)
    case names(String, from: String?, to: String?)
    case count(String)
    case fail

    var description: String {
      switch self {
      case .put(let volume, let name, let text): "put \(volume)/\(name) (\(text.count))"
      case .remove(let volume, let name): "remove \(volume)/\(name)"
      case .get(let volume, let name): "get \(volume)/\(name)"
      case .names(let volume, let low, let high): "names \(volume)/\(low ?? "")..<\(high ?? "")"
      case .count(let volume): "count \(volume)"
      case .fail: "fail"
      }
    }

    /// The volume that it concerns.
    var volume: String? {
      switch self {
      case .put(let volume, _, _), .remove(let volume, _), .get(let volume, _), .names(let volume, _, _),
        .count(let volume):
        volume
      case .fail: nil
      }
    }
  }

  /// What an action answers.
  enum Answer: Equatable {
    case done
    case text([UInt8]?)
    case names([String])
    case count(Int)
    case failed(StorageError)
    case conflict
  }

  typealias Volumes = [String: [String: [UInt8]]]

  /// What was looked at: the notes of a volume from `low` to before `high`, or how many there are.
  struct Read {
    var volume: String
    var low: String?
    var high: String?
    var countsOnly = false
    var seen: [String: [UInt8]]
    var seenCount = 0

    func isStill(_ volumes: Volumes) -> Bool {
      if countsOnly { return volumes[volume]?.count == seenCount }
      return Self.notes(volumes, volume, low, high) == seen
    }

    func holds(_ volume: String, _ name: String) -> Bool {
      volume == self.volume && (countsOnly || (name >= (low ?? "") && (high.map { name < $0 } ?? true)))
    }

    static func notes(_ volumes: Volumes, _ volume: String, _ low: String?, _ high: String?) -> [String: [UInt8]] {
      (volumes[volume] ?? [:]).filter { name, _ in name >= (low ?? "") && (high.map { name < $0 } ?? true) }
    }
  }

  struct Open {
    var operations: [Action] = []
    var reads: [Read] = []
    var isPrepared = false
    var callNumber: UInt64 = 0
  }

  enum Ended: Equatable { case committed, rolledBack, conflict }

  var volumes: Volumes
  var open: [TransactionID: Open] = [:]
  var ended: [TransactionID: Ended] = [:]

  // MARK: Holds

  /// Whether others than `id` hold the name against writing.
  func isHeld(_ volume: String, _ name: String, besides id: TransactionID?) -> Bool {
    for (other, transaction) in open where other != id && transaction.isPrepared {
      if transaction.reads.contains(where: { $0.holds(volume, name) }) { return true }
      if transaction.touches(volume, name) { return true }
    }
    return false
  }

  /// Does a change; an answer when it can not be done.
  static func change(_ action: Action, _ volumes: inout Volumes, isHeld: (String, String) -> Bool) -> Answer? {
    switch action {
    case .put(let volume, let name, let text):
      if isHeld(volume, name) { return .conflict }
      volumes[volume]?[name] = text
    case .remove(let volume, let name):
      guard volumes[volume]?[name] != nil else { return .failed(.notFound(Subject("note", name))) }
      if isHeld(volume, name) { return .conflict }
      volumes[volume]?[name] = nil
    default: break
    }
    return nil
  }

  // MARK: Calls

  /// The answers to a call's actions, up to the one that fails. `view` holds what the call sees and changes.
  func run(
    _ actions: [Action], on view: inout Volumes, as id: TransactionID?, reads: inout [Read]
  ) -> [Answer] {
    var answers: [Answer] = []
    for action in actions {
      switch action {
      case .get(let volume, let name):
        note(volume, name, name + "\0", &reads)
        answers.append(.text(view[volume]?[name]))
      case .names(let volume, let low, let high):
        note(volume, low, high, &reads)
        answers.append(.names(Read.notes(view, volume, low, high).keys.sorted()))
      case .count(let volume):
        var read = Read(volume: volume, countsOnly: true, seen: [:])
        read.seenCount = volumes[volume]?.count ?? 0
        reads.append(read)
        answers.append(.count(view[volume]?.count ?? 0))
      case .fail:
        answers.append(.failed(.invalidArgument("fail")))
        return answers
      case .put(let volume, let name, _), .remove(let volume, let name):
        if let failure = Self.change(action, &view, isHeld: { isHeld($0, $1, besides: id) }) {
          // Why a change is refused is something that the caller has seen.
          note(volume, name, name + "\0", &reads)
          answers.append(failure)
          return answers
        }
        answers.append(.done)
      }
    }
    return answers
  }

  private func note(_ volume: String, _ low: String?, _ high: String?, _ reads: inout [Read]) {
    reads.append(Read(volume: volume, low: low, high: high, seen: Read.notes(volumes, volume, low, high)))
  }

  /// A transaction of one call.
  mutating func single(_ actions: [Action]) -> [Answer] {
    var view = volumes
    var reads: [Read] = []
    let answers = run(actions, on: &view, as: nil, reads: &reads)
    if Self.succeeded(answers) { volumes = view }
    return answers
  }

  static func succeeded(_ answers: [Answer]) -> Bool {
    switch answers.last {
    case .failed, .conflict: false
    default: true
    }
  }

  /// A call of a multi-call transaction; nil: what was staged is not possible any more, and it was rolled back.
  mutating func resume(_ id: TransactionID, _ actions: [Action], isNumbered: Bool) -> [Answer]? {
    guard var transaction = open[id] else { return [] }
    var view = volumes
    // Only the volumes that the call comes to are looked at.
    var reached: Set<String> = []
    for (index, action) in actions.enumerated() {
      guard let volume = action.volume, !reached.contains(volume) else { continue }
      var trial = volumes
      var reads: [Read] = []
      var trialView = view
      // A failure before the call comes to this volume leaves it alone.
      if !Self.succeeded(run(Array(actions[..<index]), on: &trialView, as: id, reads: &reads)) { break }
      reached.insert(volume)
      for operation in transaction.operations where operation.volume == volume {
        if Self.change(operation, &trial, isHeld: { isHeld($0, $1, besides: id) }) != nil {
          open[id] = nil
          ended[id] = .conflict
          return nil
        }
      }
      view[volume] = trial[volume]
    }
    let answers = run(actions, on: &view, as: id, reads: &transaction.reads)
    if Self.succeeded(answers) {
      for action in actions {
        switch action {
        case .put, .remove: transaction.operations.append(action)
        default: break
        }
      }
      if isNumbered { transaction.callNumber += 1 }
    }
    open[id] = transaction
    return answers
  }

  /// The state after the staged operations, if what was read is as it was and all of them are possible.
  private func result(_ id: TransactionID, _ transaction: Open) -> Volumes? {
    if !transaction.isPrepared, !transaction.reads.allSatisfy({ $0.isStill(volumes) }) { return nil }
    var view = volumes
    for operation in transaction.operations
    where Self.change(operation, &view, isHeld: { isHeld($0, $1, besides: id) }) != nil { return nil }
    return view
  }

  /// False: a conflict.
  mutating func commit(_ id: TransactionID) -> Bool {
    guard let transaction = open.removeValue(forKey: id) else { return false }
    guard let result = result(id, transaction) else {
      ended[id] = .conflict
      return false
    }
    ended[id] = .committed
    volumes = result
    return true
  }

  mutating func rollback(_ id: TransactionID) {
    open[id] = nil
    ended[id] = .rolledBack
  }

  /// False: a conflict.
  mutating func prepare(_ id: TransactionID) -> Bool {
    guard var transaction = open[id] else { return false }
    if transaction.isPrepared { return true }
    let relies = result(id, transaction) != nil && !reliesOnPrepared(id, transaction)
    guard relies else {
      open[id] = nil
      ended[id] = .conflict
      return false
    }
    transaction.isPrepared = true
    open[id] = transaction
    return true
  }

  /// Whether it read what another prepared one will write.
  private func reliesOnPrepared(_ id: TransactionID, _ transaction: Open) -> Bool {
    for (other, prepared) in open where other != id && prepared.isPrepared {
      for read in transaction.reads {
        for operation in prepared.operations {
          switch operation {
          case .put(let volume, let name, _), .remove(let volume, let name):
            if read.holds(volume, name) { return true }
          default: break
          }
        }
      }
    }
    return false
  }
}

extension StoreModel.Open {
  func touches(_ volume: String, _ name: String) -> Bool {
    operations.contains { operation in
      switch operation {
      case .put(let other, let key, _), .remove(let other, let key): other == volume && key == name
      default: false
      }
    }
  }
}
