#if arch(wasm32)
  import CairnBlocks
  import CairnMaps
  import CairnVolumes
  import Canister
  import Candid

  // A typed map: from names to numbers.

  extension Transaction {
    /// The example's map.
    func counters() throws(StorageError) -> StableMap<String, UInt64> {
      try map(Backend.counters, String.self, UInt64.self)
    }
  }

  /// `set : (text, nat64) -> (Result_opt_nat64)`: the value before.
  @_expose(wasm, "canister_update set") @c(backend_set)
  public func set() {
    var arguments = Arguments()
    let (name, value) = (arguments.text(), arguments.nat64())
    answer(.optional(.nat64)) { (_, store) throws(StorageError) in
      let old = try store.transaction { (transaction) throws(StorageError) in
        try transaction.counters().insert(name, value)
      }
      return old.map { .some(.nat($0)) } ?? .none
    }
  }

  /// `unset : (text) -> (Result_opt_nat64)`: the value that it had.
  @_expose(wasm, "canister_update unset") @c(backend_unset)
  public func unset() {
    var arguments = Arguments()
    let name = arguments.text()
    answer(.optional(.nat64)) { (_, store) throws(StorageError) in
      let old = try store.transaction { (transaction) throws(StorageError) in try transaction.counters().remove(name) }
      return old.map { .some(.nat($0)) } ?? .none
    }
  }

  /// `value : (text) -> (Result_opt_nat64) query`.
  @_expose(wasm, "canister_query value") @c(backend_value)
  public func value() {
    var arguments = Arguments()
    let name = arguments.text()
    answer(.optional(.nat64)) { (_, store) throws(StorageError) in
      let value = try store.read { (transaction) throws(StorageError) in try transaction.counters().get(name) }
      return value.map { .some(.nat($0)) } ?? .none
    }
  }

  /// `values : (from : opt text, to : opt text, limit : nat64) -> (Result_entries) query`: the entries from the first name
  /// to before the second, in byte order, at most 10,000 of them.
  @_expose(wasm, "canister_query values") @c(backend_values)
  public func values() {
    var arguments = Arguments()
    let (from, to) = (arguments.optionalText(), arguments.optionalText())
    let limit = Int(clamping: min(arguments.nat64(), 10_000))
    let entry = CandidType.record([CandidField("name", .text), CandidField("value", .nat64)])
    answer(.vector(entry)) { (_, store) throws(StorageError) in
      let items = try store.read { (transaction) throws(StorageError) in
        try transaction.counters().items(from: from, to: to, limit: limit)
      }
      return .vector(items.map { .record([.text($0.key), .nat($0.value)]) })
    }
  }
#endif
