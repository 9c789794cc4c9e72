internal import ArgumentParser
internal import CairnVolumes

/// The id of a multi-call transaction, as `cairn begin` prints it.
struct TransactionArgument: ExpressibleByArgument, Hashable, Sendable {
  /// The id.
  let id: TransactionID

  /// From text; nil when it is not 16 hexadecimal digits.
  init?(argument: String) {
    guard let id = TransactionID(text: argument) else { return nil }
    self.id = id
  }
}
