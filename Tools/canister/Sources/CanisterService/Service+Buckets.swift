#if arch(wasm32)
  import CairnBlocks
  import CairnObjects
  import CairnVolumes
  import Candid
  import Canister

  // The methods of buckets.

  extension Service {
    static let objectType = CandidType.record([
      CandidField("key", .text), CandidField("size", .nat64), CandidField("etag", .text),
      CandidField("modified", .nat64),
    ])

    /// Bytes of a reply that are contents; the rest is for the message around them.
    private static let contentByteCountMax = UInt64(Message.replyByteCountMax) - 4096
    /// Objects of one listing at most.
    private static let listingCountMax: UInt64 = 5000

    /// `x_put : (key : text, contents : blob, opt nat64) -> (text)`: the object's ETag.
    public func putObject(bucket: Int) {
      let bucket = buckets[bucket]
      var arguments = ServiceArguments()
      let (key, contents) = (arguments.text(), arguments.blob())
      change(.text, &arguments) { (transaction) throws(StorageError) in
        .text(try transaction.bucket(bucket).put(ObjectKey(key), contents).etag)
      }
    }

    /// `x_delete : (key : text, opt nat64) -> (bool)`: false when there was none.
    public func deleteObject(bucket: Int) {
      let bucket = buckets[bucket]
      var arguments = ServiceArguments()
      let key = arguments.text()
      change(.bool, &arguments) { (transaction) throws(StorageError) in
        .bool(try transaction.bucket(bucket).delete(ObjectKey(key)))
      }
    }

    /// `x_get : (key : text, offset : nat64, count : nat64, opt nat64) -> (blob) query`: a part of an object, as much of it as
    /// fits in a reply.
    public func getObject(bucket: Int) {
      let bucket = buckets[bucket]
      var arguments = ServiceArguments()
      let (key, offset, count) = (arguments.text(), arguments.nat64(), arguments.nat64())
      look(.blob, &arguments) { (transaction) throws(StorageError) in
        let reader = try transaction.bucket(bucket).open(ObjectKey(key))
        if offset >= reader.info.size { return .bytes([]) }
        let end = offset + min(count, Self.contentByteCountMax, reader.info.size - offset)
        return .bytes(try transaction.bucket(bucket).get(ObjectKey(key), range: .bytes(offset..<end)))
      }
    }

    /// `x_head : (key : text, opt nat64) -> (object) query`.
    public func headObject(bucket: Int) {
      let bucket = buckets[bucket]
      var arguments = ServiceArguments()
      let key = arguments.text()
      look(Self.objectType, &arguments) { (transaction) throws(StorageError) in
        let info = try transaction.bucket(bucket).head(ObjectKey(key))
        return .record([.text(info.key.description), .nat(info.size), .text(info.etag), .nat(info.modified)])
      }
    }

    /// `x_list : (prefix : text, after : opt text, limit : nat64, opt nat64) -> (vec object) query`: objects in byte order of
    /// their keys.
    public func listObjects(bucket: Int) {
      let bucket = buckets[bucket]
      var arguments = ServiceArguments()
      let (prefix, after) = (arguments.text(), arguments.optionalText())
      let limit = Int(clamping: min(arguments.nat64(), Self.listingCountMax))
      look(.vector(Self.objectType), &arguments) { (transaction) throws(StorageError) in
        let listing = try transaction.bucket(bucket).list(
          ObjectQuery(prefix: prefix, startAfter: after ?? "", limit: limit))
        return .vector(
          listing.objects.map { object in
            .record([.text(object.key.description), .nat(object.size), .text(object.etag), .nat(object.modified)])
          })
      }
    }
  }
#endif
