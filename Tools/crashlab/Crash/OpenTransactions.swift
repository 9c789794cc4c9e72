import CairnTestSupport
import CairnVolumes

/// A multi-call transaction as a model knows it.
protocol KnownTransaction {
  /// Its number; nil: its begin was cut off, and it may be there or not.
  var id: TransactionID? { get set }
  var isPrepared: Bool { get }
}

extension Store {
  /// Rolls back all open transactions but one of those that are known: the prepared one, if there is one.
  func rollbackAllButOne<Known: KnownTransaction>(of open: [Known]) throws -> (known: Known, id: TransactionID)? {
    let known = open.filter { $0.id != nil }
    let chosen = known.first { $0.isPrepared } ?? known.first
    for transaction in try transactions() where transaction.id != chosen?.id { try rollback(transaction.id) }
    guard let chosen, let id = chosen.id else { return nil }
    return (chosen, id)
  }

  /// Asks the store for the number of a transaction whose begin was cut off, which nobody else knows.
  func identifyNewest<Known: KnownTransaction>(of open: inout [Known]) throws {
    guard let index = open.firstIndex(where: { $0.id == nil }) else { return }
    let known = Set(open.compactMap { $0.id })
    open[index].id = try transactions().first { !known.contains($0.id) }?.id
  }

  /// Throws when the check finds something.
  func requireSound() throws {
    let report = try check(deep: true)
    guard report.findings.isEmpty else { throw Mismatch("the check finds \(report.findings)") }
  }
}

extension Array {
  /// The place of one of the elements that suit, by chance; nil when none does.
  func place(_ random: inout SeededGenerator, where suits: (Element) -> Bool) -> Int? {
    let suitable = indices.filter { suits(self[$0]) }
    return suitable.isEmpty ? nil : suitable[random.below(suitable.count)]
  }
}

/// The place of the first of some legal states from which nothing differs; throws when there is none.
func place<State>(in legal: [State], _ difference: (State) -> String?) throws -> Int {
  var differences: [String] = []
  for (index, state) in legal.enumerated() {
    guard let found = difference(state) else { return index }
    differences.append(found)
  }
  throw Mismatch("none of \(legal.count) legal states: \(differences.joined(separator: "; "))")
}
