#if arch(wasm32)
  import CairnBlocks
  import CairnMaps
  import CairnObjects
  import CairnVolumes
  import Canister
  import Candid

  // Transactions over several messages. Only the principal that began one may go on with it.

  /// `begin : (lease_seconds : nat64) -> (Result_nat64)`: the transaction's id.
  @_expose(wasm, "canister_update begin") @c(backend_begin)
  public func begin() {
    var arguments = Arguments()
    let seconds = arguments.nat64()
    answer(.nat64) { (_, store) throws(StorageError) in .nat(try store.begin(lease: .seconds(seconds)).rawValue) }
  }

  /// `stage_put : (transaction : nat64, bucket : text, key : text, contents : blob) -> (Result_text)`: the ETag.
  @_expose(wasm, "canister_update stage_put") @c(backend_stage_put)
  public func stagePut() {
    var arguments = Arguments()
    let (id, bucket, key, contents) = (arguments.nat64(), arguments.text(), arguments.text(), arguments.blob())
    answer(.text) { (_, store) throws(StorageError) in
      let info = try store.resume(try transaction(id)) { (transaction) throws(StorageError) in
        try transaction.bucket(bucket).put(ObjectKey(key), contents)
      }
      return .text(info.etag)
    }
  }

  /// `stage_upload : (transaction : nat64, upload : nat64, bucket : text, key : text) -> (Result_text)`: the ETag. What was
  /// uploaded belongs to the transaction from then on and outlives an upgrade with it.
  @_expose(wasm, "canister_update stage_upload") @c(backend_stage_upload)
  public func stageUpload() {
    var arguments = Arguments()
    let (id, upload, bucket, key) = (arguments.nat64(), arguments.nat64(), arguments.text(), arguments.text())
    answer(.text) { (backend, store) throws(StorageError) in
      let contents = try backend.upload(upload, of: Message.caller())
      backend.uploads[upload] = nil
      let info = try store.resume(try transaction(id)) { (transaction) throws(StorageError) in
        try transaction.bucket(bucket).put(ObjectKey(key), contents.writer)
      }
      return .text(info.etag)
    }
  }

  /// `stage_delete : (transaction : nat64, bucket : text, key : text) -> (Result_bool)`: false when there was none.
  @_expose(wasm, "canister_update stage_delete") @c(backend_stage_delete)
  public func stageDelete() {
    var arguments = Arguments()
    let (id, bucket, key) = (arguments.nat64(), arguments.text(), arguments.text())
    answer(.bool) { (_, store) throws(StorageError) in
      let wasThere = try store.resume(try transaction(id)) { (transaction) throws(StorageError) in
        try transaction.bucket(bucket).delete(ObjectKey(key))
      }
      return .bool(wasThere)
    }
  }

  /// `stage_set : (transaction : nat64, name : text, value : nat64) -> (Result)`.
  @_expose(wasm, "canister_update stage_set") @c(backend_stage_set)
  public func stageSet() {
    var arguments = Arguments()
    let (id, name, value) = (arguments.nat64(), arguments.text(), arguments.nat64())
    answer(.null) { (_, store) throws(StorageError) in
      try store.resume(try transaction(id)) { (transaction) throws(StorageError) in
        try transaction.counters().put(name, value)
      }
      return .null
    }
  }

  /// `commit : (transaction : nat64) -> (Result)`: everything that was staged, at once; may be repeated for a day.
  @_expose(wasm, "canister_update commit") @c(backend_commit)
  public func commit() {
    var arguments = Arguments()
    let id = arguments.nat64()
    answer(.null) { (_, store) throws(StorageError) in
      try store.commit(try transaction(id))
      return .null
    }
  }

  /// `rollback : (transaction : nat64) -> (Result)`; may be repeated for a day.
  @_expose(wasm, "canister_update rollback") @c(backend_rollback)
  public func rollback() {
    var arguments = Arguments()
    let id = arguments.nat64()
    answer(.null) { (_, store) throws(StorageError) in
      try store.rollback(try transaction(id))
      return .null
    }
  }
#endif
