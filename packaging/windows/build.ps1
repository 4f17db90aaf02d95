# SPDX-License-Identifier: Apache-2.0
# Makes build\windows\longhand-VERSION-x64.exe: packaging\windows\build.ps1
# Needs Python 3.11, Visual Studio's C++ tools with CMake, and Inno Setup 6. Signs where SIGN_COMMAND says how.
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true
Set-Location (Join-Path $PSScriptRoot '..\..')
$env:PIP_DISABLE_PIP_VERSION_CHECK = '1'
$env:QT_QPA_PLATFORM = 'offscreen'
$out = Join-Path (Get-Location) 'build\windows'
$venv = Join-Path $out 'venv'
$python = Join-Path $venv 'Scripts\python.exe'
New-Item -ItemType Directory -Force $out | Out-Null

function Run([string] $program) {
    & $program @args
    if ($LASTEXITCODE -ne 0) { throw "$program ended with exit code $LASTEXITCODE" }
}

Write-Output '== environment'
if (-not (Test-Path $python)) { Run 'python' -m venv $venv }
Get-Content packaging\requirements.txt | Where-Object { $_ -notmatch '^llama-cpp-python' } | Set-Content "$out\wheels.txt"
Run $python -m pip install -q -r "$out\wheels.txt" 'setuptools>=77' wheel

Write-Output '== engine'
$engine = Run $python packaging\engine_wheel.py | Select-Object -Last 1
Run $python -m pip install -q --no-deps --force-reinstall $engine

Write-Output '== program'
Run $python -m pip install -q --no-deps --no-build-isolation --force-reinstall .
Run $python packaging\icons.py build\icons
Run $python packaging\licences.py "$out\licences"
Push-Location $out
Run (Join-Path $venv 'Scripts\pyinstaller.exe') --noconfirm --log-level WARN --distpath bundle --workpath work `
    ..\..\packaging\longhand.spec
Pop-Location

Write-Output '== first run'
$program = "$out\bundle\longhand\longhand.exe"
Run $program doctor
$version = (Run $program --version).Split(' ')[1]

Write-Output '== installer'
if ($env:SIGN_COMMAND) { Run cmd /c "$env:SIGN_COMMAND $program $out\bundle\longhand\longhandw.exe" }
Run 'iscc' "/DVersion=$version" packaging\windows\longhand.iss
if ($env:SIGN_COMMAND) { Run cmd /c "$env:SIGN_COMMAND $out\longhand-$version-x64.exe" }
