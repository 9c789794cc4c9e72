package import CairnBlocks
import CairnBytes
import CairnDisks
import CairnObjects
package import CairnVolumes

/// What a store shows to whoever asks for everything, each answer by itself: a value, or the error in its place.
package struct Sight: Equatable, Sendable {
  /// The bucket that is looked into.
  package static let bucket = "bucket"
  /// The disk that is looked into.
  package static let disk = "disk"
  /// The objects that are asked for one by one, whether they are listed or not.
  private static let keys = ["small", "large", "gone", "staged", "last", "key 0", "key 1", "key 2", "key 3"]

  /// An answer.
  package enum Answer: Equatable, Sendable {
    /// A digest of what was shown.
    case value(UInt64)
    /// It was said that there is no such thing.
    case absent
    case failed(StorageError)
  }

  /// The answers by what was asked for.
  package private(set) var answers: [String: Answer] = [:]

  /// Asks a store for everything.
  package init(of store: Store) {
    ask("volumes") { () throws(StorageError) in
      try store.volumes().map { "\($0.name) \($0.kind)" }.sorted().joined(separator: "|").utf8.map { $0 }
    }
    ask("transactions") { () throws(StorageError) in
      // Their ids are random numbers.
      try store.transactions().sorted { $0.expiresAt < $1.expiresAt }.map { "\($0.state)" }
        .joined(separator: "|").utf8.map { $0 }
    }
    ask("list") { () throws(StorageError) in
      try store.read { (transaction) throws(StorageError) in
        try transaction.bucket(Self.bucket).list().objects.flatMap {
          $0.key.bytes + [0xFF, UInt8(truncatingIfNeeded: $0.size)]
        }
      }
    }
    for key in Self.keys {
      ask(key) { () throws(StorageError) in
        try store.read { (transaction) throws(StorageError) in
          try transaction.bucket(Self.bucket).get(ObjectKey(key))
        }
      }
    }
    ask("disk") { () throws(StorageError) in
      try store.read { (transaction) throws(StorageError) in try transaction.disk(Self.disk).read(0, count: 4) }
    }
  }

  private mutating func ask(_ name: String, _ body: () throws(StorageError) -> [UInt8]) {
    do throws(StorageError) {
      let bytes = try body()
      answers[name] = .value(XXHash64.digest(bytes.span))
    } catch {
      if case .notFound = error { answers[name] = .absent } else { answers[name] = .failed(error) }
    }
  }

  /// Whether every answer is that of `truth`, or an error that says that something is damaged; else the first that is not.
  package func lie(against truth: Sight) -> String? {
    for (name, answer) in answers.sorted(by: { $0.key < $1.key }) {
      if case .failed(.damaged) = answer { continue }
      if answer != truth.answers[name] {
        return "\(name) is \(answer), should be \(truth.answers[name].map { "\($0)" } ?? "nothing")"
      }
    }
    return nil
  }

  /// A digest of all answers; errors count as one answer.
  package var digest: UInt64 {
    var hash = XXHash64()
    for (name, answer) in answers.sorted(by: { $0.key < $1.key }) {
      let value: UInt64 =
        switch answer {
        case .value(let digest): digest
        case .absent: 1
        case .failed: 2
        }
      var writer = ByteWriter()
      writer.lengthPrefixed(Array(name.utf8))
      writer.uint64(value)
      hash.update(writer.bytes.span)
    }
    return hash.finish()
  }

  /// Whether some answer is an error.
  package var hasFailures: Bool {
    answers.values.contains { if case .failed = $0 { true } else { false } }
  }

  /// The errors among the answers.
  package var errors: [StorageError] {
    answers.sorted { $0.key < $1.key }.compactMap { if case .failed(let error) = $0.value { error } else { nil } }
  }
}
