import CairnCrashLab

CrashLabProgram.main()
