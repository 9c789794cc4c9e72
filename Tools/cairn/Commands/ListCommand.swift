internal import ArgumentParser
internal import CairnBlocks
internal import CairnObjects
internal import CairnVolumes

/// `cairn ls`: lists buckets, or the objects of one.
struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ls",
    abstract: "List the buckets, or the objects of a bucket in the order of their keys' bytes.",
    discussion: """
      --json keys: bucket, created for a bucket; key, size, etag, modified for an object; prefix for the keys that \
      --delimiter rolls up. A name that is no UTF-8 stands there exactly as keyHex or prefixHex.
      """
  )

  @OptionGroup var store: StoreArguments
  @OptionGroup var volume: VolumeOption

  @Argument(help: ArgumentHelp("A bucket, or the keys in it that begin with a prefix.", valueName: "bucket[/prefix]"))
  var address: PrefixAddress?

  @Option(help: "Roll up keys that go on behind this text: with / one sees one level of folders.")
  var delimiter: ArgumentBytes?

  @Flag(name: .shortAndLong, help: "Show size, time of change and ETag too.")
  var long = false

  @Flag(help: "One JSON object for each line.")
  var json = false

  @Option(name: .customLong("txn"), help: "As this transaction sees it.")
  var transaction: TransactionArgument?

  func run() throws {
    if let transaction {
      try store.writing { store in try store.change(in: transaction.id, list) }
    } else {
      try store.reading { store in try store.view(list) }
    }
  }

  private func list(_ transaction: Transaction) throws {
    var output = StandardOutput()
    if let address {
      let bucket = try volume.bucket(address.bucket, in: transaction)
      let query = ObjectQuery(prefix: address.prefix, delimiter: delimiter?.bytes ?? [])
      try bucket.forEachPage(query) { page in try print(page, to: &output) }
    } else {
      for bucket in try volume.objects(in: transaction).buckets() { try print(bucket, to: &output) }
    }
    try output.flush()
  }

  private func print(_ bucket: BucketInfo, to output: inout StandardOutput) throws {
    if json {
      var line = JSONLine()
      line.add("bucket", bucket.name)
      line.add("created", Timestamp.text(nanoseconds: bucket.created))
      try output.line(line)
    } else if long {
      try output.line(Timestamp.text(nanoseconds: bucket.created) + "  ", name: Array(bucket.name.utf8))
    } else {
      try output.line(name: Array(bucket.name.utf8))
    }
  }

  /// Objects and rolled-up prefixes, merged in the order of their bytes.
  private func print(_ page: ObjectListing, to output: inout StandardOutput) throws {
    var prefixes = page.commonPrefixes[...]
    for object in page.objects {
      while let prefix = prefixes.first, prefix < object.key {
        try print(prefix: prefix, to: &output)
        prefixes.removeFirst()
      }
      try print(object, to: &output)
    }
    for prefix in prefixes { try print(prefix: prefix, to: &output) }
  }

  private func print(_ object: ObjectSummary, to output: inout StandardOutput) throws {
    if json {
      var line = JSONLine()
      line.add(bytes: object.key.bytes, "key")
      line.add("size", object.size)
      line.add("etag", object.etag)
      line.add("modified", Timestamp.text(nanoseconds: object.modified))
      try output.line(line)
    } else if long {
      let size = Text.right(String(object.size), 12)
      let columns = [size, Timestamp.text(nanoseconds: object.modified), Text.visible(object.etag), ""]
      try output.line(columns.joined(separator: "  "), name: object.key.bytes)
    } else {
      try output.line(name: object.key.bytes)
    }
  }

  private func print(prefix: ObjectKey, to output: inout StandardOutput) throws {
    if json {
      var line = JSONLine()
      line.add(bytes: prefix.bytes, "prefix")
      try output.line(line)
    } else {
      try output.line(long ? Text.right("-", 12) + "  " : "", name: prefix.bytes)
    }
  }
}

extension Bucket {
  /// Calls `body` with one page of a listing after the other.
  func forEachPage(_ query: ObjectQuery, _ body: (ObjectListing) throws -> Void) throws {
    var query = query
    repeat {
      let page = try list(query)
      try body(page)
      query.continuation = page.continuation
    } while query.continuation != nil
  }
}
