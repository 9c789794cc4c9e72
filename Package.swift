// swift-tools-version: 6.3
import CompilerPluginSupport
import PackageDescription

/// Every target: the strictest language there is.
let strict: [SwiftSetting] = [
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// The layers that also run in a canister (L0...L5): nothing that Embedded Swift lacks.
let portable: [SwiftSetting] = strict + [.treatWarning("EmbeddedRestrictions", as: .error)]

let package = Package(
  name: "cairn",
  products: [
    .library(name: "Cairn", targets: ["Cairn"]),
    .executable(name: "cairn", targets: ["CairnProgram"]),
    .executable(name: "bench", targets: ["CairnBench"]),
    // The store behind a C interface, for a harness of benchmarks; nothing else uses it.
    .library(name: "cairnpeer", type: .dynamic, targets: ["CairnPeer"]),
    // L0...L5 without the facade: what a canister takes.
    .library(
      name: "CairnCore",
      targets: [
        "CairnBytes", "CairnMemory", "CairnBlocks", "CairnTrees", "CairnVolumes", "CairnObjects", "CairnDisks",
        "CairnMaps", "CairnTables",
      ]),
  ],
  traits: [
    .trait(name: "SystemZlib", description: "CRC-32 from the system's zlib; without it, from a portable table."),
    .trait(name: "SQLiteComparison", description: "The tests that ask Cairn's tables and SQLite the same questions."),
    .trait(name: "PlantedBugs", description: "For the crash lab: bugs to be planted in the engine, one at a time."),
    .trait(name: "BenchmarkPeers", description: "The stores that the benchmark measures beside Cairn."),
    .default(enabledTraits: ["SystemZlib"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    // For the facade's macros alone: neither the tool nor the layers below the facade build it.
    .package(url: "https://github.com/swiftlang/swift-syntax", from: "603.0.1"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),

    // L0: bytes.
    .target(name: "CFastCRC"),
    .target(name: "CFastHash"),
    .target(
      name: "CairnBytes",
      dependencies: ["CFastCRC", "CFastHash", .target(name: "CZlib", condition: .when(traits: ["SystemZlib"]))],
      swiftSettings: portable
    ),
    .testTarget(name: "CairnBytesTests", dependencies: ["CairnBytes", "CairnTestSupport"], swiftSettings: strict),

    // L1: stable memory.
    .target(name: "CWriteback"),
    .target(name: "CairnMemory", dependencies: ["CWriteback", "CairnBytes"], swiftSettings: portable),
    .testTarget(
      name: "CairnMemoryTests",
      dependencies: ["CairnBytes", "CairnMemory", "CairnTestSupport"],
      swiftSettings: strict
    ),

    // L2: the block device.
    .target(name: "CPrefetch"),
    .target(name: "CairnBlocks", dependencies: ["CPrefetch", "CairnBytes", "CairnMemory"], swiftSettings: portable),
    .testTarget(
      name: "CairnBlocksTests",
      dependencies: ["CairnBlocks", "CairnBytes", "CairnMemory", "CairnTestSupport"],
      swiftSettings: strict
    ),

    // L3: ordered maps.
    .target(name: "CairnTrees", dependencies: ["CPrefetch", "CairnBlocks", "CairnBytes"], swiftSettings: portable),
    .testTarget(
      name: "CairnTreesTests",
      dependencies: ["CairnTrees", "CairnBlocks", "CairnBytes", "CairnMemory", "CairnTestSupport"],
      swiftSettings: strict
    ),

    // L4: volumes, transactions, access, check.
    .target(
      name: "CairnVolumes", dependencies: ["CairnBlocks", "CairnBytes", "CairnMemory", "CairnTrees"],
      swiftSettings: portable),
    .testTarget(
      name: "CairnVolumesTests",
      dependencies: ["CairnVolumes", "CairnBlocks", "CairnBytes", "CairnMemory", "CairnTrees", "CairnTestSupport"],
      swiftSettings: strict
    ),

    // L5: filesystems.
    .target(
      name: "CairnObjects", dependencies: ["CairnBlocks", "CairnBytes", "CairnTrees", "CairnVolumes"],
      swiftSettings: portable),
    .testTarget(
      name: "CairnObjectsTests",
      dependencies: [
        "CairnObjects", "CairnVolumes", "CairnTrees", "CairnBlocks", "CairnBytes", "CairnMemory", "CairnTestSupport",
      ],
      swiftSettings: strict
    ),
    .target(
      name: "CairnTables", dependencies: ["CairnBlocks", "CairnBytes", "CairnTrees", "CairnVolumes"],
      swiftSettings: portable),
    .testTarget(
      name: "CairnTablesTests",
      dependencies: [
        "CairnTables", "CairnVolumes", "CairnTrees", "CairnBlocks", "CairnBytes", "CairnMemory", "CairnTestSupport",
      ],
      swiftSettings: strict
    ),
    .target(
      name: "CairnDisks", dependencies: ["CairnBlocks", "CairnBytes", "CairnVolumes"], swiftSettings: portable),
    .testTarget(
      name: "CairnDisksTests",
      dependencies: ["CairnDisks", "CairnVolumes", "CairnBlocks", "CairnBytes", "CairnMemory", "CairnTestSupport"],
      swiftSettings: strict
    ),

    // What `@Table` and the attributes beside it generate.
    .macro(
      name: "CairnTableMacros",
      dependencies: [
        .product(name: "SwiftCompilerPlugin", package: "swift-syntax"),
        .product(name: "SwiftDiagnostics", package: "swift-syntax"),
        .product(name: "SwiftParser", package: "swift-syntax"),
        .product(name: "SwiftSyntax", package: "swift-syntax"),
        .product(name: "SwiftSyntaxBuilder", package: "swift-syntax"),
        .product(name: "SwiftSyntaxMacros", package: "swift-syntax"),
      ],
      swiftSettings: strict
    ),
    .testTarget(
      name: "CairnTableMacrosTests",
      dependencies: [
        "CairnTableMacros",
        .product(name: "SwiftSyntax", package: "swift-syntax"),
        .product(name: "SwiftSyntaxBuilder", package: "swift-syntax"),
        .product(name: "SwiftSyntaxMacroExpansion", package: "swift-syntax"),
        .product(name: "SwiftSyntaxMacrosGenericTestSupport", package: "swift-syntax"),
      ],
      swiftSettings: strict
    ),

    .target(
      name: "CairnMaps", dependencies: ["CairnBlocks", "CairnBytes", "CairnTrees", "CairnVolumes"],
      swiftSettings: portable),
    .testTarget(
      name: "CairnMapsTests",
      dependencies: ["CairnMaps", "CairnVolumes", "CairnBlocks", "CairnBytes", "CairnMemory", "CairnTestSupport"],
      swiftSettings: strict
    ),

    // L6: what programs import.
    .target(
      name: "Cairn",
      dependencies: [
        "CairnBlocks", "CairnBytes", "CairnDisks", "CairnMaps", "CairnMemory", "CairnObjects", "CairnTables",
        "CairnTableMacros", "CairnVolumes",
      ],
      swiftSettings: strict
    ),
    .testTarget(name: "CairnTests", dependencies: ["Cairn", "CairnTestSupport"], swiftSettings: strict),

    // The command-line tool. Programs are a line each around their commands: a test bundle beside macros is built for the host,
    // and finds no module of an executable there.
    .target(
      name: "CairnTool",
      dependencies: [
        "CairnVolumes", "CairnObjects", "CairnDisks", "CairnMaps", "CairnTables", "CairnBlocks", "CairnBytes",
        "CairnMemory",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tools/cairn",
      exclude: ["Program"],
      swiftSettings: strict
    ),
    .executableTarget(
      name: "CairnProgram", dependencies: ["CairnTool"], path: "Tools/cairn/Program", swiftSettings: strict),
    .testTarget(
      name: "CairnToolTests",
      dependencies: [
        "CairnTool", "CairnTables", "CairnVolumes", "CairnBytes",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: strict),

    // Cairn's tables beside SQLite's, with the trait alone.
    .testTarget(
      name: "CairnSQLiteTests",
      dependencies: [
        "CairnTables", "CairnVolumes", "CairnBlocks", "CairnMemory", "CairnTestSupport",
        .product(name: "GRDB", package: "GRDB.swift", condition: .when(traits: ["SQLiteComparison"])),
      ],
      swiftSettings: strict
    ),

    // The benchmark. The stores beside Cairn are the system's libraries, and needed with the trait alone.
    .systemLibrary(name: "CSQLite", path: "Tools/bench/Peers/CSQLite"),
    .systemLibrary(name: "CLMDB", path: "Tools/bench/Peers/CLMDB"),
    .systemLibrary(name: "CLevelDB", path: "Tools/bench/Peers/CLevelDB"),
    .systemLibrary(name: "CRocksDB", path: "Tools/bench/Peers/CRocksDB"),
    .target(name: "CFlushCounter", path: "Tools/bench/CFlushCounter"),
    .executableTarget(
      name: "CairnBench",
      dependencies: [
        "CFlushCounter", "CairnVolumes", "CairnObjects", "CairnMaps", "CairnTables", "CairnBlocks", "CairnBytes",
        "CairnMemory",
        .target(name: "CSQLite", condition: .when(traits: ["BenchmarkPeers"])),
        .target(name: "CLMDB", condition: .when(traits: ["BenchmarkPeers"])),
        .target(name: "CLevelDB", condition: .when(traits: ["BenchmarkPeers"])),
        .target(name: "CRocksDB", condition: .when(traits: ["BenchmarkPeers"])),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tools/bench",
      exclude: ["CFlushCounter", "Peers", "Plugin"],
      swiftSettings: strict
    ),
    .target(
      name: "CairnPeer",
      dependencies: ["CairnVolumes", "CairnObjects", "CairnMaps", "CairnBlocks", "CairnBytes", "CairnMemory"],
      path: "Tools/bench/Plugin",
      swiftSettings: strict
    ),

    // The crash lab.
    .target(
      name: "CairnCrashLab",
      dependencies: [
        "CairnBlocks", "CairnBytes", "CairnDisks", "CairnFuzz", "CairnMaps", "CairnMemory", "CairnObjects",
        "CairnTables", "CairnTestSupport", "CairnTrees", "CairnVolumes",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tools/crashlab",
      exclude: ["Program"],
      swiftSettings: strict
    ),
    .executableTarget(
      name: "crashlab", dependencies: ["CairnCrashLab"], path: "Tools/crashlab/Program", swiftSettings: strict),
    .testTarget(
      name: "CrashLabTests",
      dependencies: ["CairnCrashLab", "CairnBytes", "CairnMemory", "CairnTestSupport"],
      swiftSettings: strict
    ),

    // Fuzzing: what is fed, for the crash lab and for libFuzzer, and the program around it.
    .target(
      name: "CairnFuzz",
      dependencies: [
        "CairnBlocks", "CairnBytes", "CairnDisks", "CairnMaps", "CairnMemory", "CairnObjects", "CairnTables",
        "CairnTestSupport", "CairnTrees", "CairnVolumes",
      ],
      path: "Tools/fuzz/Targets",
      swiftSettings: strict
    ),
    .testTarget(
      name: "CairnFuzzTests",
      dependencies: ["CairnFuzz", "CairnBlocks", "CairnBytes", "CairnMemory", "CairnTestSupport", "CairnVolumes"],
      swiftSettings: strict
    ),
    .executableTarget(
      name: "cairn-fuzz", dependencies: ["CairnFuzz"], path: "Tools/fuzz/Runner", swiftSettings: strict),

    // What tests of several layers share.
    .target(
      name: "CairnTestSupport", dependencies: ["CairnBytes", "CairnMemory"], path: "Tests/CairnTestSupport",
      swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
