#if arch(wasm32)
  import CairnBlocks
  import CairnObjects
  import CairnVolumes
  import Canister
  import Candid

  /// Bytes of a reply that are contents; the rest is for the message around them.
  private let contentByteCountMax: UInt64 = UInt64(Message.replyByteCountMax) - 4096

  /// `create_bucket : (text) -> (Result_bool)`: true when it was not there.
  @_expose(wasm, "canister_update create_bucket") @c(backend_create_bucket)
  public func createBucket() {
    var arguments = Arguments()
    let name = arguments.text()
    answer(.bool) { (_, store) throws(StorageError) in
      let isNew = try store.transaction { (transaction) throws(StorageError) in
        try transaction.createBucket(name, ifMissing: true)
      }
      return .bool(isNew)
    }
  }

  /// `put : (bucket : text, key : text, contents : blob) -> (Result_text)`: the object's ETag.
  @_expose(wasm, "canister_update put") @c(backend_put)
  public func put() {
    var arguments = Arguments()
    let (bucket, key, contents) = (arguments.text(), arguments.text(), arguments.blob())
    answer(.text) { (_, store) throws(StorageError) in
      let info = try store.transaction { (transaction) throws(StorageError) in
        try transaction.bucket(bucket).put(ObjectKey(key), contents)
      }
      return .text(info.etag)
    }
  }

  /// `delete : (bucket : text, key : text) -> (Result_bool)`: false when there was none.
  @_expose(wasm, "canister_update delete") @c(backend_delete)
  public func delete() {
    var arguments = Arguments()
    let (bucket, key) = (arguments.text(), arguments.text())
    answer(.bool) { (_, store) throws(StorageError) in
      let wasThere = try store.transaction { (transaction) throws(StorageError) in
        try transaction.bucket(bucket).delete(ObjectKey(key))
      }
      return .bool(wasThere)
    }
  }

  /// `delete_all : (bucket : text, prefix : text, limit : nat64) -> (Result_nat64)`: removes the first objects with a
  /// prefix, at most so many; how many. Fewer than the limit: none is left. What is deleted is the cursor, so it can be
  /// repeated in message after message until then.
  @_expose(wasm, "canister_update delete_all") @c(backend_delete_all)
  public func deleteAll() {
    var arguments = Arguments()
    let (bucket, prefix, limit) = (arguments.text(), arguments.text(), arguments.nat64())
    answer(.nat64) { (_, store) throws(StorageError) in
      let count = try store.transaction { (transaction) throws(StorageError) in
        try transaction.bucket(bucket).deleteAll(prefix: Array(prefix.utf8), budget: Int(clamping: min(limit, 10_000)))
      }
      return .nat(UInt64(count))
    }
  }

  /// `begin_delete_all : (bucket : text, prefix : text) -> (Result)`: begins to remove all objects with a prefix; `step` goes on
  /// with it, message after message, also behind an upgrade.
  @_expose(wasm, "canister_update begin_delete_all") @c(backend_begin_delete_all)
  public func beginDeleteAll() {
    var arguments = Arguments()
    let (bucket, prefix) = (arguments.text(), arguments.text())
    answer(.null) { (_, store) throws(StorageError) in
      try store.transaction { (transaction) throws(StorageError) in
        try transaction.bucket(bucket).beginDeletingAll(prefix: Array(prefix.utf8))
      }
      return .null
    }
  }

  /// `get : (bucket : text, key : text, offset : nat64, count : nat64) -> (Result_blob) query`: a part of an object, as
  /// much of it as fits in a reply. Every byte is verified.
  @_expose(wasm, "canister_query get") @c(backend_get)
  public func get() {
    var arguments = Arguments()
    let (bucket, key, offset, count) = (arguments.text(), arguments.text(), arguments.nat64(), arguments.nat64())
    answer(.blob) { (_, store) throws(StorageError) in
      let bytes = try store.read { (transaction) throws(StorageError) -> [UInt8] in
        let reader = try transaction.bucket(bucket).open(ObjectKey(key))
        if offset >= reader.info.size { return [] }
        let end = offset + min(count, contentByteCountMax, reader.info.size - offset)
        return try transaction.bucket(bucket).get(ObjectKey(key), range: .bytes(offset..<end))
      }
      return .bytes(bytes)
    }
  }

  private let objectType = CandidType.record([
    CandidField("key", .text), CandidField("size", .nat64), CandidField("etag", .text), CandidField("modified", .nat64),
  ])

  /// `begin_copy : (bucket : text, from : text, to : text) -> (Result)`: begins to copy an object of any size; `step` does it.
  /// Nobody sees the copy before it is whole.
  @_expose(wasm, "canister_update begin_copy") @c(backend_begin_copy)
  public func beginCopy() {
    var arguments = Arguments()
    let (bucket, source, key) = (arguments.text(), arguments.text(), arguments.text())
    answer(.null) { (_, store) throws(StorageError) in
      try store.transaction { (transaction) throws(StorageError) in
        try transaction.bucket(bucket).beginCopying(ObjectKey(source), to: ObjectKey(key))
      }
      return .null
    }
  }

  /// `head : (bucket : text, key : text) -> (Result_object) query`.
  @_expose(wasm, "canister_query head") @c(backend_head)
  public func head() {
    var arguments = Arguments()
    let (bucket, key) = (arguments.text(), arguments.text())
    answer(objectType) { (_, store) throws(StorageError) in
      let info = try store.read { (transaction) throws(StorageError) in
        try transaction.bucket(bucket).head(ObjectKey(key))
      }
      return .record([.text(info.key.description), .nat(info.size), .text(info.etag), .nat(info.modified)])
    }
  }

  /// `list : (bucket : text, prefix : text, after : opt text, limit : nat64) -> (Result_objects) query`: objects in byte
  /// order of their keys, behind `after`; at most 5,000 of them.
  @_expose(wasm, "canister_query list") @c(backend_list)
  public func list() {
    var arguments = Arguments()
    let (bucket, prefix, after) = (arguments.text(), arguments.text(), arguments.optionalText())
    let limit = Int(clamping: min(arguments.nat64(), 5000))
    answer(.vector(objectType)) { (_, store) throws(StorageError) in
      let listing = try store.read { (transaction) throws(StorageError) in
        try transaction.bucket(bucket).list(ObjectQuery(prefix: prefix, startAfter: after ?? "", limit: limit))
      }
      return .vector(
        listing.objects.map { object in
          .record([.text(object.key.description), .nat(object.size), .text(object.etag), .nat(object.modified)])
        })
    }
  }

  // MARK: Uploads: contents beyond what one message carries

  /// `upload_begin : (size : nat64) -> (Result_nat64)`: its number. The size reserves the space; it need not be right.
  ///
  /// Until it is staged or finished, an upload is known in the heap alone: an upgrade of the canister ends it, and the client begins
  /// it again. What is staged in a transaction stays.
  @_expose(wasm, "canister_update upload_begin") @c(backend_upload_begin)
  public func uploadBegin() {
    var arguments = Arguments()
    let size = arguments.nat64()
    answer(.nat64) { (backend, store) throws(StorageError) in
      let id = backend.nextUpload
      backend.uploads[id] = Upload(writer: try store.objectWriter(expecting: size), owner: Message.caller())
      backend.nextUpload += 1
      return .nat(id)
    }
  }

  /// `upload_chunk : (upload : nat64, contents : blob) -> (Result_nat64)`: bytes that have come so far.
  @_expose(wasm, "canister_update upload_chunk") @c(backend_upload_chunk)
  public func uploadChunk() {
    var arguments = Arguments()
    let (id, contents) = (arguments.nat64(), arguments.blob())
    answer(.nat64) { (backend, _) throws(StorageError) in
      let upload = try backend.upload(id, of: Message.caller())
      try upload.writer.write(contents)
      return .nat(upload.writer.byteCount)
    }
  }

  /// `upload_finish : (upload : nat64, bucket : text, key : text) -> (Result_text)`: makes it an object; its ETag.
  @_expose(wasm, "canister_update upload_finish") @c(backend_upload_finish)
  public func uploadFinish() {
    var arguments = Arguments()
    let (id, bucket, key) = (arguments.nat64(), arguments.text(), arguments.text())
    answer(.text) { (backend, store) throws(StorageError) in
      let upload = try backend.upload(id, of: Message.caller())
      backend.uploads[id] = nil
      let info = try store.transaction { (transaction) throws(StorageError) in
        try transaction.bucket(bucket).put(ObjectKey(key), upload.writer)
      }
      return .text(info.etag)
    }
  }
#endif
